import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { printableLines } from './terminal-text.ts';
import { packageVersion } from './package-version.ts';
import * as capture from './capture.ts';
import * as check from './check.ts';
import * as completion from './completion.ts';
import * as connect from './connect.ts';
import * as disconnect from './disconnect.ts';
import * as drain from './drain.ts';
import * as reload from './reload.ts';
import * as serve from './serve.ts';
import * as sessions from './sessions.ts';
import * as status from './status.ts';
import * as user from './user.ts';

// Each of these files registers its command and loads what does the work only when it is run: --help stays quick.
const COMMANDS = [serve, check, connect, sessions, capture, disconnect, status, drain, reload, user, completion];

/** Runs one command line; resolves to the exit code. Everything that can go wrong is printed here and nowhere else. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return ExitCode.Ended;
  } catch (error) {
    return report(error);
  }
}

function createProgram(): Command {
  const program = new Command('sstp-gateway')
    .description('Enterprise SSTP (MS-SSTP) concentrator: PPP over TLS, routed through a TUN device.')
    .version(packageVersion())
    .helpCommand(true)
    .showSuggestionAfterError(true)
    .configureHelp({ sortSubcommands: false })
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  for (const command of COMMANDS) command.register(program);
  exitByException(program);
  return program;
}

const EXAMPLES = `
Examples:
  sstp-gateway serve                                try it: self-signed certificate, a demo user, no file needed
  sstp-gateway check --config gateway.yaml          what is wrong with a configuration, line by line
  sstp-gateway serve --config gateway.yaml          run it
  sstp-gateway user add alice --config gateway.yaml write the hash of a password into the users file
  sstp-gateway connect --check https://vpn.example.org --user alice
                                                    connect, authenticate, ping the gateway, disconnect
  sstp-gateway sessions                             who is connected
  sstp-gateway capture ID -o session.pcapng         what goes through its tunnel, for Wireshark
  sstp-gateway disconnect ID                        end a session

Exit codes: 0 ended as asked, 1 failed while running, 2 usage or configuration.`;

/** Commander would call process.exit, also for subcommands, before output is written. */
function exitByException(command: Command): void {
  for (const subcommand of command.commands) {
    subcommand.exitOverride();
    exitByException(subcommand);
  }
}

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed its message, or the help that was asked for.
    return error.exitCode === 0 ? ExitCode.Ended : ExitCode.Usage;
  }
  if (error instanceof ConfigError) {
    console.error(printableLines(error.message));
    return ExitCode.Usage;
  }
  if (error instanceof CommandError) {
    console.error(`sstp-gateway: ${printableLines(error.message)}`);
    return error.exitCode;
  }
  console.error(error);
  return ExitCode.Failed;
}
