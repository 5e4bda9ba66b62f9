{{- define "app.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "app.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Which pods: of a release, and of a role when one is given. */}}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "app.image" -}}
{{- $tag := .tag | default .root.Values.image.tag }}
{{- if .digest }}{{ .root.Values.image.repository }}@{{ .digest }}
{{- else }}{{ .root.Values.image.repository }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "app.secret" -}}
{{ .Values.secrets.existing | default (include "app.name" .) }}
{{- end }}

{{- /* What no container could start with, said before anything is. */}}
{{- define "app.check" -}}
{{- if not .Values.hosts }}{{ fail "hosts: name at least one, as --set hosts={www.example.org}" }}{{ end }}
{{- if not (or .Values.dev.enabled .Values.database.host .Values.database.urlSecret) }}
{{- fail "database: say where PostgreSQL is: host, or urlSecret" }}
{{- end }}
{{- if not (or .Values.dev.enabled .Values.redis.host .Values.redis.urlSecret) }}
{{- fail "redis: say where Redis is: host, or urlSecret" }}
{{- end }}
{{- if not (or .Values.secrets.existing .Values.secrets.external .Values.secrets.values) }}
{{- fail "secrets: name a Secret (existing), a store (external), or the values themselves (values)" }}
{{- end }}
{{- $files := .Values.files.volume.enabled }}
{{- $words := "files: web and workers share no files: enable files.volume" }}
{{- $files = or $files .Values.settings.AWS_STORAGE_BUCKET_NAME }} # [s3]
{{- $words = print $words ", or name a bucket in settings.AWS_STORAGE_BUCKET_NAME" }} # [s3]
{{- if not $files }}{{ fail $words }}{{ end }}
{{- range $name, $role := .Values.roles }}
{{- if and $role.singleton (gt (int ($role.replicas | default 1)) 1) }}
{{- fail (printf "roles.%s: exactly one of it may run, so it has no replicas" $name) }}
{{- end }}
{{- end }}
{{- if and .Values.canary.enabled (ne .Values.route.kind "gateway") }}
{{- fail "canary: the weights are those of an HTTPRoute: set route.kind to gateway" }}
{{- end }}
{{- if and .Values.canary.enabled (not (or .Values.canary.tag .Values.canary.digest)) }}
{{- fail "canary: name its image: canary.tag or canary.digest" }}
{{- end }}
{{- if and (eq .Values.route.kind "gateway") (not (or .Values.route.gateway.name .Values.route.gateway.create)) }}
{{- fail "route.gateway: name the Gateway that is there, or create one; or set route.kind to ingress or none" }}
{{- end }}
{{- end }}

{{- /* The environment that all containers have. */}}
{{- define "app.settings" -}}
{{- $dev := .Values.dev.enabled }}
DJANGO_ALLOWED_HOSTS: {{ join "," .Values.hosts | quote }}
{{- with .Values.database }}
{{- if not .urlSecret }}
POSTGRES_HOST: {{ ternary (printf "%s-postgres" (include "app.name" $)) .host $dev | quote }}
POSTGRES_PORT: {{ .port | quote }}
POSTGRES_DB: {{ .name | quote }}
POSTGRES_USER: {{ .user | quote }}
{{- end }}
{{- end }}
{{- with .Values.redis }}
{{- if not .urlSecret }}
REDIS_HOST: {{ ternary (printf "%s-redis" (include "app.name" $)) .host $dev | quote }}
REDIS_PORT: {{ .port | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* Variables of a container: .root, .role (its values), .settings of its own, and .secret if not the release's. */}}
{{- define "app.environment" -}}
{{- $secret := .secret | default (include "app.secret" .root) }}
{{- $database := .root.Values.database.urlSecret }}
{{- $redis := .root.Values.redis.urlSecret }}
{{- $names := list "DJANGO_SECRET_KEY" }}
{{- if $database }}
- name: DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ $database.name }}, key: {{ $database.key }}}}
{{- else }}{{ $names = append $names "POSTGRES_PASSWORD" }}{{ end }}
{{- if $redis }}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $redis.name }}, key: {{ $redis.key }}}}
{{- end }}
{{- range concat $names (.role.secrets | default list) }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}
{{- end }}
{{- $optional := list "EMAIL_URL" }}
{{- $optional = append $optional "AWS_SECRET_ACCESS_KEY" }} # [s3]
{{- if not $redis }}{{ $optional = append $optional "REDIS_PASSWORD" }}{{ end }}
{{- range $optional }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}}
{{- end }}
{{- with .role.queues }}
- name: CELERY_QUEUES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* The port with the metrics of a role, of its settings: each program has a name for it. */}}
{{- define "app.metricsPort" -}}
{{- range $name, $value := . }}
{{- if hasSuffix "METRICS_PORT" $name }}{{ $value }}{{ end }}
{{- end }}
{{- end }}

{{- define "app.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "app.containerSecurity" -}}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
{{- end }}
