{{- /* What a pod is replaced for when it changes, and what the values add. */}}
{{- define "app.annotations" -}}
checksum/settings: {{ include "app.settings" . | sha256sum }}
{{- if .Values.secrets.values }}
checksum/secrets: {{ .Values.secrets.values | toJson | sha256sum }}
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A pod of the image: what "app.environment" takes, .name, .image, and .once for a command that ends. */}}
{{- define "app.pod" -}}
{{- /* The job comes before the account of a release that had none. */}}
{{- if not .once }}
serviceAccountName: {{ include "app.name" .root }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "app.podSecurity" .root | nindent 2 }}
{{- if .once }}
restartPolicy: Never
{{- end }}
terminationGracePeriodSeconds: {{ .role.grace }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if not (or .once .role.singleton) }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "app.selector" (dict "root" $.root "role" $.name) | nindent 8 }}
  {{- end }}
{{- end }}
containers:
  - name: {{ .name }}
    image: {{ .image | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml .role.command | nindent 6 }}
    {{- if not .once }}
    envFrom:
      - configMapRef: {name: {{ include "app.name" .root }}}
    {{- end }}
    env: {{- include "app.environment" . | nindent 6 }}
    securityContext: {{- include "app.containerSecurity" .root | nindent 6 }}
    resources: {{- toYaml .role.resources | nindent 6 }}
    {{- $metrics := include "app.metricsPort" .settings }}
    {{- if or .role.port $metrics }}
    ports:
      {{- with .role.port }}
      - {name: http, containerPort: {{ . }}}
      {{- end }}
      {{- with $metrics }}
      - {name: metrics, containerPort: {{ . }}}
      {{- end }}
    {{- end }}
    {{- if not .once }}
    # The image's own watch ends what hangs; this is for when it hangs too. What does nothing any more
    # has no use for a grace that is as long as a request.
    {{- $grace := min 60 (int .role.grace) }}
    startupProbe: {exec: {command: [/healthcheck]}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: {{ div .root.Values.startupSeconds 5 }}, terminationGracePeriodSeconds: {{ $grace }}}
    livenessProbe: {exec: {command: [/healthcheck]}, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 6, terminationGracePeriodSeconds: {{ $grace }}}
    {{- if eq .role.port 5000.0 }}
    readinessProbe: {httpGet: {path: /health/ready, port: http}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2}
    {{- end }}
    {{- if .role.port }}
    # So long a gateway may still send what it meant for this pod.
    lifecycle: {preStop: {exec: {command: [sleep, "10"]}}}
    {{- end }}
    {{- end }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      {{- if .role.files }}
      - {name: files, mountPath: /data}
      {{- end }}
volumes:
  - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
  {{- if .role.files }}
  {{- if .root.Values.files.volume.enabled }}
  - name: files
    persistentVolumeClaim: {claimName: {{ .root.Values.files.volume.existingClaim | default (printf "%s-files" (include "app.name" .root)) }}}
  {{- else }}
  - {name: files, emptyDir: {sizeLimit: {{ .root.Values.files.scratch }}}}
  {{- end }}
  {{- end }}
{{- end }}
