import { allCommands, type CommandNode, type OptionNode, type Values } from './command-tree.ts';

/** Words come from the line itself: readline would break addresses at their colons. What users chose is never expanded, and quoted. */
export function bashScript(root: CommandNode): string {
  const commands = allCommands(root);
  return `# bash completion of sstp-gateway

# Sets what may follow the command $1.
_sstp_gateway_command() {
  case $1 in
${commands.map(commandCase).join('\n')}
  esac
}

# Sets what the option $2 of the command $1 takes.
_sstp_gateway_option() {
  takes=''
  case "$1 $2" in
${commands.flatMap(optionCases).join('\n')}
  esac
}

# Prints what $1 stands for, a word a line; the rest is where to ask.
_sstp_gateway_words() {
  case $1 in
    files) compgen -f -- "$current" ;;
    directories) compgen -d -- "$current" ;;
    choices*) compgen -W "$(printf '%s' "$1" | cut -d ' ' -f 2-)" -- "$current" ;;
    sessions | users) "$program" completion-words "$1" "\${@:2}" -- "$current" 2> /dev/null ;;
  esac
}

_sstp_gateway() {
  local program=$1 before=\${COMP_LINE:0:COMP_POINT} command='' option='' takes=''
  local current prefix word commands options argument
  local -a words access=()
  COMPREPLY=()
  read -ra words <<< "$before"
  [[ $before == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  # What readline has taken for words of their own stands on the line already.
  prefix=\${current%"\${COMP_WORDS[COMP_CWORD]}"}
  _sstp_gateway_command ''
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $takes ]]; then
      # The shell itself would have put the home directory there.
      case $option in --admin | --token-file | --config | -c) access+=("$option" "\${word/#~\\//$HOME/}") ;; esac
      takes=''
    elif [[ $word == --admin=* || $word == --token-file=* || $word == --config=* ]]; then
      access+=("$word")
    elif [[ $word == -* ]]; then
      option=$word
      _sstp_gateway_option "$command" "$option"
    elif [[ " $commands " == *" $word "* ]]; then
      command=\${command:+$command }$word
      _sstp_gateway_command "$command"
    fi
  done
  if [[ -z $takes && ($current == -* || -n $commands) ]]; then
    [[ $current == -* ]] && takes="choices $options" || takes="choices $commands"
  fi
  takes=\${takes:-$argument}
  [[ $takes == files || $takes == directories ]] && compopt -o filenames 2> /dev/null
  while IFS= read -r word; do
    [[ $takes == files || $takes == directories ]] || printf -v word %q "$word"
    COMPREPLY+=("\${word#"$prefix"}")
  done < <(_sstp_gateway_words "$takes" "\${access[@]}")
}

complete -F _sstp_gateway sstp-gateway`;
}

function commandCase({ path, commands, options, values }: CommandNode): string {
  const names = commands.map(each => each.path.at(-1)).join(' ');
  const flags = options.flatMap(option => option.names).join(' ');
  return `    '${path.join(' ')}') commands='${names}' options='${flags}' argument='${values === undefined ? '' : word(values)}' ;;`;
}

function optionCases({ path, options }: CommandNode): string[] {
  return options.flatMap(({ names, values }: OptionNode) =>
    values === undefined
      ? []
      : [`    ${names.map(name => `'${path.join(' ')} ${name}'`).join(' | ')}) takes='${word(values)}' ;;`],
  );
}

function word(values: Values): string {
  return values.kind === 'choices' ? `choices ${values.choices.join(' ')}` : values.kind;
}
