import type { CommandNode, OptionNode, Values } from './command-tree.ts';

export function zshScript(root: CommandNode): string {
  return `#compdef sstp-gateway
# zsh completion of sstp-gateway

# Offers what the gateway says, as it is: compadd quotes it. The last argument is what to ask for, the others are compadd's.
_sstp_gateway_words() {
  local -a access found
  local index
  for ((index = 2; index < \${#_sstp_gateway_line}; index++)); do
    case $_sstp_gateway_line[index] in
      --admin=* | --token-file=* | --config=*) access+=("$_sstp_gateway_line[index]") ;;
      --admin | --token-file | --config | -c) access+=("$_sstp_gateway_line[index]" "$_sstp_gateway_line[index+1]") ;;
    esac
  done
  found=("\${(@f)$("$_sstp_gateway_line[1]" completion-words "$@[-1]" $access -- "$PREFIX" 2> /dev/null)}")
  [[ -n $found ]] && compadd "$@[1,-2]" -a found
}

${functions(root)}

_sstp_gateway_main() {
  local -a _sstp_gateway_line=("$words[@]")
  _sstp_gateway
}

if [[ $funcstack[1] == _sstp-gateway ]]; then
  _sstp_gateway_main
else
  compdef _sstp_gateway_main sstp-gateway
fi`;
}

/** A function for each command. */
function functions(node: CommandNode): string {
  const name = ['_sstp_gateway', ...node.path].join('_').replaceAll('-', '_');
  const specs = node.options.map(optionSpec);
  if (node.commands.length === 0) {
    const rest = node.values === undefined ? [] : [quoted(`*:${node.path.at(-1)}:${action(node.values)}`)];
    return `${name}() {\n  _arguments -s ${[...specs, ...rest].join(' \\\n    ')}\n}`;
  }
  const names = node.commands.map(({ path, description }) => quoted(`${path.at(-1)}:${description}`));
  const cases = node.commands.map(({ path }) => {
    const called = path.at(-1)!;
    return `    ${called}) ${name}_${called.replaceAll('-', '_')} ;;`;
  });
  return `${node.commands.map(functions).join('\n\n')}

${name}() {
  local context state state_descr line
  local -A opt_args
  _arguments -C ${[...specs, quoted('1: :->command'), quoted('*:: :->rest')].join(' \\\n    ')}
  if [[ $state == command ]]; then
    local -a names=(
      ${names.join('\n      ')}
    )
    _describe -t commands command names
    return
  fi
  case $words[1] in
${cases.join('\n')}
  esac
}`;
}

function optionSpec({ names, description, values }: OptionNode): string {
  const text = `[${description.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]`;
  const value = values === undefined ? '' : `:value:${action(values)}`;
  // Both names of an option exclude each other.
  return names.map(name => quoted(`(${names.join(' ')})${name}${text}${value}`)).join(' \\\n    ');
}

function action(values: Values): string {
  switch (values.kind) {
    case 'files':
      return '_files';
    case 'directories':
      return '_files -/';
    case 'choices':
      return `(${values.choices.join(' ')})`;
    case 'any':
      return ' ';
    default:
      return `_sstp_gateway_words ${values.kind}`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
