{{/* One image's full name. */}}
{{- define "modelyard.image" -}}
{{- $image := index .root.Values.images .name -}}
{{ printf "%s:%s" $image.repository ($image.tag | default .root.Chart.AppVersion) }}
{{- end }}

{{/* Labels of everything in the release. */}}
{{- define "modelyard.labels" -}}
app.kubernetes.io/name: modelyard
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: modelyard
app.kubernetes.io/component: {{ .component }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels that select one component's pods. */}}
{{- define "modelyard.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "modelyard.registryService" -}}
{{ printf "%s-registry" .Release.Name }}
{{- end }}

{{- define "modelyard.registryHost" -}}
{{ printf "%s.%s.svc" (include "modelyard.registryService" .) .Release.Namespace }}
{{- end }}

{{/* Name of the Secret with which builds push; empty if the registry asks for none. */}}
{{- define "modelyard.pushSecret" -}}
{{- if .Values.registry.embedded.enabled -}}
{{ printf "%s-registry-push" .Release.Name }}
{{- else -}}
{{ .Values.registry.external.pushSecret }}
{{- end -}}
{{- end }}

{{/* What the operator reads when it starts (operator/modelyard/settings.py). */}}
{{- define "modelyard.settings" -}}
{{- $embedded := .Values.registry.embedded.enabled -}}
{{- $host := include "modelyard.registryHost" . -}}
{{- $external := .Values.registry.external -}}
{{- if and (not $embedded) (not $external.push) -}}
{{- fail "registry.embedded is off: set registry.external.push to HOST[:PORT][/PREFIX] of your own registry" -}}
{{- end -}}
{{- $own := ternary (list (printf "%s:5000" $host) (printf "%s:5001" $host)) (list) $embedded -}}
{{- $registry := ternary
      (dict "push" (printf "%s:5001" $host) "pull" (printf "%s:5000" $host) "plainHttp" true)
      (dict "push" $external.push "pull" ($external.pull | default $external.push) "plainHttp" $external.plainHttp)
      $embedded -}}
{{- if include "modelyard.pushSecret" . -}}
{{- $_ := set $registry "pushConfigFile" "/etc/modelyard/push/config.json" -}}
{{- end -}}
{{- if and (not $embedded) $external.pullSecret -}}
{{- $_ := set $registry "pullSecret" $external.pullSecret -}}
{{- end -}}
{{- $images := dict -}}
{{- range $name := list "operator" "runtime" "triton" "envoy" -}}
{{- $_ := set $images $name (include "modelyard.image" (dict "root" $ "name" $name)) -}}
{{- end -}}
{{- dict
      "images" $images
      "registry" $registry
      "sources" (dict
        "allowedHosts" (concat .Values.sources.allowedHosts $own | default list)
        "plainHttpHosts" (concat .Values.sources.plainHttpHosts $own | default list)
        "huggingFaceEndpoint" .Values.sources.huggingFaceEndpoint
        "s3Endpoint" .Values.sources.s3Endpoint)
      "lease" .Values.operator.lease
      "namespaces" .Values.operator.namespaces
      "buildResources" .Values.builds.resources
      "servingResources" .Values.serving.resources
      "drainSeconds" .Values.serving.drainSeconds
      "allowInsecureServer" .Values.serving.allowInsecureServer
      "clusterDomain" .Values.clusterDomain
      "logLevel" .Values.operator.logLevel
    | toPrettyJson -}}
{{- end }}
