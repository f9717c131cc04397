import { Argument, type Command } from 'commander';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const WORD_KINDS = ['sessions', 'users'] as const;
export type WordKind = (typeof WORD_KINDS)[number];

export function register(program: Command): void {
  program
    .command('completion')
    .summary('print a script with which a shell completes commands, options, session ids and users')
    .description(
      'Prints a script with which a shell completes this command: its subcommands, options and their values. Session ids and ' +
        'users are asked of the gateway that --config or --admin on the line names, for a second at most.',
    )
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', NOTES)
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { completionScript } = await import('./completion/script.ts');
      console.log(completionScript(shell, program));
    });
  withAdminOptions(
    program
      .command('completion-words', { hidden: true })
      .description('what the scripts of `completion` ask: a word a line, nothing when there is no answer')
      .addArgument(new Argument('<kind>').choices(WORD_KINDS))
      .argument('[prefix]', 'what they begin with', ''),
  ).action(async (kind: WordKind, prefix: string, target: AdminTarget) => {
    const { completionWords } = await import('./completion/words.ts');
    for (const word of await completionWords(kind, prefix, target)) console.log(word);
  });
}

const NOTES = `
bash:  source <(sstp-gateway completion bash)       in ~/.bashrc; or for everybody:
       sstp-gateway completion bash > /etc/bash_completion.d/sstp-gateway
zsh:   source <(sstp-gateway completion zsh)        in ~/.zshrc, behind compinit; or as file _sstp-gateway in $fpath
fish:  sstp-gateway completion fish > ~/.config/fish/completions/sstp-gateway.fish`;
