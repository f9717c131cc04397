import { allCommands, type CommandNode, type OptionNode, type Values } from './command-tree.ts';

export function fishScript(root: CommandNode): string {
  return `# fish completion of sstp-gateway

# What the gateway says, a word a line.
function __sstp_gateway_words
    set -l line (commandline -opc)
    type -q $line[1]; or return
    set -l access
    for index in (seq 2 (count $line))
        if contains -- $line[$index] --admin --token-file --config -c
            set -a access $line[$index] $line[(math $index + 1)]
        else if string match -qr -- '^--(admin|token-file|config)=' $line[$index]
            set -a access $line[$index]
        end
    end
    $line[1] completion-words $argv[1] $access -- (commandline -ct) 2>/dev/null
end

complete -c sstp-gateway -f
${allCommands(root).flatMap(commandLines).join('\n')}`;
}

function commandLines(node: CommandNode): string[] {
  const here = `complete -c sstp-gateway -n ${quoted(condition(node))}`;
  return [
    ...node.commands.map(({ path, description }) => `${here} -a ${path.at(-1)} -d ${quoted(description)}`),
    ...node.options.map(option => `${here} ${optionWords(option)}`),
    ...(node.values === undefined ? [] : [`${here} ${valueWords(node.values)}`]),
  ];
}

/** A command is the one that is meant as long as none below it has been named. */
function condition({ path, commands }: CommandNode): string {
  const seen = path.map(name => `__fish_seen_subcommand_from ${name}`);
  const below = commands.map(each => each.path.at(-1)).join(' ');
  return [...seen, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join('; and ');
}

function optionWords({ names, description, values }: OptionNode): string {
  const flags = names.map(name => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = values === undefined ? [] : [`-r ${valueWords(values)}`];
  return [...flags, ...value, `-d ${quoted(description)}`].join(' ');
}

function valueWords(values: Values): string {
  switch (values.kind) {
    case 'files':
      return '-F';
    case 'directories':
      return "-f -a '(__fish_complete_directories)'";
    case 'choices':
      return `-f -a ${quoted(values.choices.join(' '))}`;
    case 'any':
      return '-f';
    default:
      return `-f -a '(__sstp_gateway_words ${values.kind})'`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
