{{- define "nalu.name" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nalu.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nalu.metadata" -}}
name: {{ include "nalu.name" . }}
{{ include "nalu.labels" . }}
{{- end }}

{{- define "nalu.labels" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "nalu.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
  helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "nalu.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "nalu.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "nalu.inStore" -}}
{{- if contains "://" .Values.models.repository }}true{{ end }}
{{- end }}

{{- /* what autoscaling counts beside CPU, over all pods of the release; KEDA divides it by their number */}}
{{- define "nalu.rejections" -}}
sum(rate(nalu_requests_total{namespace="{{ .Release.Namespace }}",pod=~"{{ include "nalu.name" . }}-[a-z0-9]+-[a-z0-9]+",status="503"}[1m]))
{{- end }}

{{- define "nalu.queuedRows" -}}
sum(nalu_queued_rows{namespace="{{ .Release.Namespace }}",pod=~"{{ include "nalu.name" . }}-[a-z0-9]+-[a-z0-9]+"})
{{- end }}
