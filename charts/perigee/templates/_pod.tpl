{{/*
What the pods of all controllers share.

`perigee.podMetadata` and `perigee.podSpec` take a dict: context (the root), name (the controller), app (the value of the label `app`),
values (the controller's values).
*/}}
{{- define "perigee.podMetadata" -}}
labels:
  app: {{ .app }}
  app.kubernetes.io/component: {{ .name }}
  app.kubernetes.io/instance: {{ .context.Release.Namespace }}
  app.kubernetes.io/part-of: flux
  app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
  {{- with mergeOverwrite dict (.context.Values.podLabels | default dict) (.values.podLabels | default dict) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := dict }}
{{- if .context.Values.monitoring.scrapeAnnotations }}
{{- $annotations = dict "prometheus.io/port" "8080" "prometheus.io/scrape" "true" }}
{{- end }}
{{- with mergeOverwrite $annotations (.context.Values.podAnnotations | default dict) (.values.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "perigee.podSpec" -}}
serviceAccountName: {{ .name }}
{{- with .context.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $own := .values }}
{{- $all := .context.Values }}
{{- range $field := list "priorityClassName" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
{{- /* Helm 3 keeps a null that Helm 4 removes. */}}
{{- $value := get $own $field }}
{{- if or (not (hasKey $own $field)) (kindIs "invalid" $value) }}
{{- $value = get $all $field }}
{{- end }}
{{- with $value }}
{{ $field }}:
  {{- if kindIs "string" . }} {{ . }}
  {{- else }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "perigee.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65534
runAsGroup: 65534
seccompProfile:
  type: RuntimeDefault
{{- end }}
