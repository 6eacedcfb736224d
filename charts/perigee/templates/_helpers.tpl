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
{{ printf "%s/%s:%s" .context.Values.image.registry .name (.context.Values.image.tag | default .context.Chart.AppVersion) }}
{{- end }}

{{/* Where controllers send their events. */}}
{{- define "perigee.eventsAddress" -}}
{{ printf "http://notification-controller.%s.svc.%s./" .Release.Namespace .Values.clusterDomain }}
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
{{- if hasKey .values "intervalJitterPercentage" }}
- --interval-jitter-percentage={{ int .values.intervalJitterPercentage }}
{{- end }}
{{- with .values.requeueDependency }}
- --requeue-dependency={{ . }}
{{- end }}
{{- if .context.Values.sharding.shards }}
- --watch-label-selector={{ include "perigee.shardSelector" . }}
{{- end }}
{{- end }}
