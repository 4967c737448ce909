#!/usr/bin/env bash
# Runs a suite in CI and publishes what came of it; exits as headwater does.
#
#   run.sh eval headwater.yaml --repeat 3
#   run.sh capture --suite traces.yaml -- pytest -q
#
# HEADWATER_BIN      the binary; `headwater` on the path if not set
# HEADWATER_REPORTS  the folder for reports; `headwater-reports` if not set
set -euo pipefail

binary="${HEADWATER_BIN:-headwater}"
reports="${HEADWATER_REPORTS:-headwater-reports}"
command="${1:?say what to run: eval SUITE, or capture --suite SUITE -- COMMAND}"
shift
mkdir -p "$reports"

# On GitHub, annotations at the lines of the suite.
annotations=()
if [ -n "${GITHUB_ACTIONS:-}" ]; then annotations=(--output github -); fi

code=0
"$binary" "$command" \
  --output junit "$reports/junit.xml" \
  --output markdown "$reports/summary.md" \
  --output json "$reports/run.json" \
  --output sarif "$reports/findings.sarif" \
  --output html "$reports/report.html" \
  --output run "$reports/run.jsonl" \
  ${annotations[@]+"${annotations[@]}"} \
  "$@" || code=$?

if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$reports/summary.md" ]; then
  cat "$reports/summary.md" >> "$GITHUB_STEP_SUMMARY"
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  case "$code" in
    0) verdict=pass ;;
    1) verdict=fail ;;
    2) verdict=usage ;;
    3) verdict=not-evaluable ;;
    4) verdict=error ;;
    130) verdict=interrupted ;;
    *) verdict=command ;;
  esac
  # capture passes on the code of its command, whatever that means; the report has the code of the assertions.
  if [ "$command" = capture ] && [ "$code" != 0 ]; then
    judged="$(sed -n 's/^  "exitCode": \([0-9]*\),\{0,1\}$/\1/p' "$reports/run.json" 2>/dev/null || true)"
    if [ "$judged" != "$code" ]; then verdict=command; fi
  fi
  {
    echo "exit-code=$code"
    echo "verdict=$verdict"
    echo "reports=$reports"
  } >> "$GITHUB_OUTPUT"
fi
exit "$code"
