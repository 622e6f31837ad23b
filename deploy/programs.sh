#!/usr/bin/env bash
# The programs that tests use beside Python: installs what is missing as root on Debian, elsewhere names it.
# It never fails: a test whose program is missing is skipped and says so. SYNTHSTREAM_APT=no only names.
set -eu

# program, Debian package, what the tests do with it
programs="
java      default-jdk-headless     runs Apache Kafka (17 or later)
mvn       maven                    fetches Apache Kafka
kcat      kcat                     reads a topic as a stranger would
promtool  prometheus               checks the alert rules
amtool    prometheus-alertmanager  checks the alert routes
chromium  chromium                 opens the page
"

lacking() {
    while read -r program package use; do
        if [ -n "$program" ] && ! command -v "$program" >/dev/null; then echo "$program $package $use"; fi
    done <<<"$programs"
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    # Packages of servers start them when installed, unless this file says no.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@" >/dev/null || return 1
    for unit in prometheus prometheus-alertmanager; do
        if [[ " $* " == *" $unit "* ]] && [ -d /run/systemd/system ]; then systemctl disable --quiet "$unit"; fi
    done
}

missing=$(lacking)
if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && [ "${SYNTHSTREAM_APT:-yes}" != no ] && command -v apt-get >/dev/null; then
    mapfile -t packages < <(cut -d' ' -f2 <<<"$missing")
    echo "installing for the tests: ${packages[*]}"
    install "${packages[@]}" || echo "apt-get could not install all of it" >&2
    missing=$(lacking)
fi
while read -r program package use; do
    if [ -n "$program" ]; then echo "missing: $program ($use; Debian package $package); its tests are skipped" >&2; fi
done <<<"$missing"
