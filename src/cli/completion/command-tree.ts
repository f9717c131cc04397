// What a shell can complete, taken from the program's own commands.
import type { Command, Option } from 'commander';

/** What a word stands for: nothing that is known, a path, one of a few words, or what the gateway is asked for. */
export type Values =
  | { readonly kind: 'any' | 'files' | 'directories' | 'sessions' | 'users' }
  | { readonly kind: 'choices'; readonly choices: readonly string[] };

export interface OptionNode {
  /** As `-c` and `--config`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined: it takes none. */
  readonly values: Values | undefined;
}

export interface CommandNode {
  /** The names down to it, without that of the program. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionNode[];
  /** Of its arguments, whichever; undefined: it takes none. */
  readonly values: Values | undefined;
  readonly commands: readonly CommandNode[];
}

/** Hidden commands are left out. */
export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const argument = command.registeredArguments[0];
  return {
    path,
    description: help.subcommandDescription(command),
    options: help.visibleOptions(command).map(optionNode),
    values: argument && valuesOf(argument.name(), argument.argChoices),
    commands: help
      .visibleCommands(command)
      .filter(({ parent }) => parent === command)
      .map(each => commandTree(each, [...path, each.name()])),
  };
}

/** The command itself and all below it. */
export function allCommands(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}

function optionNode({ short, long, description, flags, argChoices }: Option): OptionNode {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
  return {
    names: [short, long].filter(name => name !== undefined),
    description,
    values: placeholder === undefined ? undefined : valuesOf(placeholder, argChoices),
  };
}

/** The name in the angle brackets of the help says what is meant. */
function valuesOf(placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'choices', choices };
  switch (placeholder) {
    case 'file':
      return { kind: 'files' };
    case 'dir':
      return { kind: 'directories' };
    case 'id':
      return { kind: 'sessions' };
    case 'user':
      return { kind: 'users' };
    default:
      return { kind: 'any' };
  }
}
