import { type Command, InvalidArgumentError } from 'commander';
import { CommandError, ExitCode } from './command-error.ts';

interface UserOptions {
  readonly json?: true;
  readonly users?: string;
  readonly config?: string;
  readonly stateDir: string;
}

interface PasswordOptions extends UserOptions {
  readonly passwordStdin?: true;
}

interface AddOptions extends PasswordOptions {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly delegatedIpv6?: string;
  readonly rate?: string;
  readonly maxSessions?: number;
  readonly sessionTimeout?: string;
  readonly idleTimeout?: string;
}

export function register(program: Command): void {
  const user = program
    .command('user')
    .description('change the users file; passwords are stored as NT hashes')
    .addHelpText('after', EXAMPLES);

  withUsersFile(user.command('add').description('add a user').argument('<name>'))
    .option('--password-stdin', 'read the password from standard input instead of asking for it')
    .option('--ipv4 <address>', 'the address that this user always gets, or the name of a pool')
    .option('--ipv6 <prefix>', 'the /64 that this user always gets, or the name of a pool')
    .option('--delegated-ipv6 <prefix>', 'the prefix that is delegated to this user, or the name of a pool')
    .option('--rate <up/down>', 'the most that this user may send and receive, in bit/s, as 2M/10M')
    .option('--max-sessions <count>', 'how many sessions this user may have at once', wholeNumber)
    .option('--session-timeout <time>', 'how long a session may last, as 8h')
    .option('--idle-timeout <time>', 'how long a session may be silent, as 15m')
    .action(add);
  withUsersFile(user.command('passwd').description("replace a user's password").argument('<name>'))
    .option('--password-stdin', 'read the password from standard input instead of asking for it')
    .action(changePassword);
  withUsersFile(user.command('remove').description('remove a user').argument('<name>')).action(remove);
  withUsersFile(user.command('list').description('list the users')).action(list);
}

const EXAMPLES = `
Comments in the file and the order of its users stay. A hash serves MS-CHAPv2 and PAP; CHAP-MD5 needs the password
itself in the file. The hash is as good as the password to whoever reads it: the file is kept readable by its owner only.

Examples:
  sstp-gateway user add alice --config /etc/sstp-gateway/gateway.yaml
  pwgen 16 1 | sstp-gateway user add bob --users users.yaml --password-stdin --ipv4 10.66.1.7
  sstp-gateway user list                            the users of the embedded default`;

const RELOAD_HINT = 'A running gateway sees it after `sstp-gateway reload`, or SIGHUP.';

async function add(name: string, options: AddOptions): Promise<void> {
  const { file, editor } = await openEditor(options);
  if (editor.users().some(user => user.name === name))
    throw new CommandError(`${file} has a user "${name}" already; to change the password: user passwd`);
  const { askPassword } = await import('./password.ts');
  const password = await askPassword(options.passwordStdin === true);
  const { ipv4, ipv6, delegatedIpv6, rate, maxSessions, sessionTimeout, idleTimeout } = options;
  const settings = { ipv4, ipv6, delegatedIpv6, rate, maxSessions, sessionTimeout, idleTimeout };
  editor.add({ name, password, settings });
  editor.save();
  await tell({ name, file, change: 'added' }, `User "${name}" was added to ${file}.`, options);
}

async function changePassword(name: string, options: PasswordOptions): Promise<void> {
  const { file, editor } = await openEditor(options);
  if (!editor.users().some(user => user.name === name)) throw noSuchUser(file, name);
  const { askPassword } = await import('./password.ts');
  editor.setPassword(name, await askPassword(options.passwordStdin === true));
  editor.save();
  await tell({ name, file, change: 'password' }, `The password of "${name}" was changed in ${file}.`, options);
}

async function remove(name: string, options: UserOptions): Promise<void> {
  const { file, editor } = await openEditor(options);
  if (!editor.remove(name)) throw noSuchUser(file, name);
  editor.save();
  await tell({ name, file, change: 'removed' }, `User "${name}" was removed from ${file}.`, options);
}

async function list(options: UserOptions): Promise<void> {
  const { editor } = await openEditor(options);
  const { formatRate } = await import('../aaa/rate-limit.ts');
  const { formatIpv4 } = await import('../wire/ip.ts');
  const { formatIpv6Prefix } = await import('../wire/ipv6.ts');
  const users = editor.users().map(({ name, password, disabled, attributes }) => {
    const { ipv4, ipv6Prefix, rate, maxSessions } = attributes;
    return {
      name,
      stored: password === undefined ? 'hash' : 'password',
      ipv4: ipv4?.kind === 'fixed' ? formatIpv4(ipv4.address) : ipv4?.kind === 'pool' ? (ipv4.name ?? null) : null,
      ipv6: ipv6Prefix?.kind === 'fixed' ? formatIpv6Prefix(ipv6Prefix.prefix) : (ipv6Prefix?.name ?? null),
      rate: rate === undefined ? null : formatRate(rate),
      maxSessions: maxSessions ?? null,
      disabled,
    };
  });
  if (options.json === true) {
    const { printJson } = await import('./json-output.ts');
    return printJson({ users });
  }
  const { formatTable } = await import('./table.ts');
  const rows = users.map(user => [
    user.name,
    user.stored,
    user.ipv4 ?? 'pool',
    user.ipv6 ?? 'pool',
    user.rate ?? 'any',
    `${user.maxSessions ?? 'any'}`,
    user.disabled ? 'disabled' : '',
  ]);
  for (const line of formatTable(['NAME', 'STORED AS', 'IPV4', 'IPV6', 'RATE', 'SESSIONS', ''], rows))
    console.log(line);
}

interface Change {
  readonly name: string;
  readonly file: string;
  readonly change: 'added' | 'password' | 'removed';
}

async function tell(change: Change, sentence: string, { json }: UserOptions): Promise<void> {
  if (json !== true) return console.log(`${sentence} ${RELOAD_HINT}`);
  const { printJson } = await import('./json-output.ts');
  return printJson(change);
}

function withUsersFile(command: Command): Command {
  return command
    .option('--users <file>', 'users file (default: what --config says, else that of the embedded default)')
    .option('-c, --config <file>', "the gateway's configuration file")
    .option('--state-dir <dir>', 'where the embedded default keeps its users file', './.sstp-gateway')
    .option('--json', 'print the result as JSON');
}

async function openEditor({ users, config, stateDir }: UserOptions) {
  const { UsersEditor } = await import('../aaa/users-editor.ts');
  const { loadUsersPath } = await import('../config/load.ts');
  const { statePaths } = await import('../config/embedded.ts');
  const file = users ?? (config === undefined ? statePaths(stateDir).users : loadUsersPath(config));
  return { file, editor: UsersEditor.open(file) };
}

function noSuchUser(file: string, name: string): CommandError {
  return new CommandError(`${file} has no user "${name}"`, ExitCode.Failed);
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 on is needed.');
}
