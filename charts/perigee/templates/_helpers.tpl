{{/* Labels of every object. `context` is the root, `component` the controller or empty. */}}
{{- define "perigee.labels" -}}
app.kubernetes.io/instance: {{ .context.Release.Namespace }}
app.kubernetes.io/part-of: flux
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* The image of a controller. */}}
{{- define "perigee.image" -}}
{{ .values.image | default (printf "%s/%s:%s" .context.Values.image.registry .name (.context.Values.image.tag | default .context.Chart.AppVersion)) }}
{{- end }}

{{/* Where controllers send their events; empty for nowhere. */}}
{{- define "perigee.eventsAddress" -}}
{{- if .Values.eventsAddress -}}
{{ .Values.eventsAddress }}
{{- else if .Values.notificationController.enabled -}}
{{ printf "http://notification-controller.%s.svc.%s./" .Release.Namespace .Values.clusterDomain }}
{{- end -}}
{{- end }}

{{/* Refuses replicas that would all work at once. */}}
{{- define "perigee.replicas" -}}
{{- if and (gt (int .values.replicas) 1) (not .context.Values.leaderElection) }}
{{- fail (printf "%s.replicas is %d: several replicas need leaderElection" .name (int .values.replicas)) }}
{{- end }}
{{- end }}

{{/* The names of the enabled controllers. */}}
{{- define "perigee.controllers" -}}
{{- $names := list -}}
{{- if .Values.sourceController.enabled }}{{ $names = append $names "source-controller" }}{{ end -}}
{{- if .Values.kustomizeController.enabled }}{{ $names = append $names "kustomize-controller" }}{{ end -}}
{{- if .Values.notificationController.enabled }}{{ $names = append $names "notification-controller" }}{{ end -}}
{{ $names | toJson }}
{{- end }}

{{/* The selector of a controller's objects: a shard's, or all that no shard has. */}}
{{- define "perigee.shardSelector" -}}
{{- if .shard -}}
sharding.fluxcd.io/key={{ .shard }}
{{- else -}}
!sharding.fluxcd.io/key
{{- end -}}
{{- end }}

{{/* The arguments that every controller takes. */}}
{{- define "perigee.commonArgs" -}}
- --watch-all-namespaces={{ .context.Values.watchAllNamespaces }}
- --log-level={{ .context.Values.logLevel }}
- --log-encoding={{ .context.Values.logEncoding }}
{{- if .context.Values.leaderElection }}
- --enable-leader-election
{{- end }}
{{- with .values.concurrency }}
- --concurrent={{ int . }}
{{- end }}
{{- with .values.kubeApiQps }}
- --kube-api-qps={{ . }}
{{- end }}
{{- with .values.kubeApiBurst }}
- --kube-api-burst={{ int . }}
{{- end }}
{{- with .values.minRetryDelay }}
- --min-retry-delay={{ . }}
{{- end }}
{{- with .values.maxRetryDelay }}
- --max-retry-delay={{ . }}
{{- end }}
{{- end }}

{{/* The arguments of the controllers that reconcile at intervals, after the common ones. */}}
{{- define "perigee.intervalArgs" -}}
{{ include "perigee.commonArgs" . }}
{{- if not (kindIs "invalid" .values.intervalJitterPercentage) }}
- --interval-jitter-percentage={{ int .values.intervalJitterPercentage }}
{{- end }}
{{- with .values.requeueDependency }}
- --requeue-dependency={{ . }}
{{- end }}
{{- if .context.Values.sharding.shards }}
- --watch-label-selector={{ include "perigee.shardSelector" . }}
{{- end }}
{{- end }}
