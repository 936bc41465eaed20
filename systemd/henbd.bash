# Completion of henbd(8) for bash.

_henbd_paths() {
    local begin=${1%.*}
    [ "$begin" = "$1" ] && begin=Device
    henbd tree "$begin." 2>/dev/null | sed 's/^r. *\([^ ]*\).*/\1/'
}

_henbd() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        words='run status get set tree trace metrics inform reconnect factory-reset guard
            check-config --version --help'
    else
        case $before in
        --config | --socket | --output)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --log-level) words='error warning info debug' ;;
        esac
        case $command in
        run) words=${words:-'--config --log-level --help'} ;;
        status) words='--json --watch --socket --help' ;;
        get | tree) words="$(_henbd_paths "$word") --json --socket --help" ;;
        set) words="$(_henbd_paths "$word") --socket --help" ;;
        trace) words='--last --json --html --socket --help' ;;
        metrics) words='--output --socket --help' ;;
        inform | reconnect) words='--socket --help' ;;
        factory-reset) words='--yes --socket --help' ;;
        guard) words='--show --remove --yes --config --help' ;;
        check-config)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _henbd henbd
