// A password from the terminal without echo, or from a pipe.
import { text } from 'node:stream/consumers';
import { passwordProblem } from '../aaa/user-schema.ts';
import { CommandError, ExitCode } from './command-error.ts';

/** @throws CommandError when there is no usable password, with exit code 2. */
export async function askPassword(fromStdin: boolean): Promise<string> {
  const password = fromStdin ? await pipedPassword() : await typedPassword();
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new CommandError(problem, ExitCode.Usage);
  return password;
}

/** Standard input up to its end, without the newline that `echo` puts there. */
async function pipedPassword(): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password.includes('\n')) throw new CommandError('standard input holds more than one line', ExitCode.Usage);
  return password;
}

async function typedPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new CommandError('there is no terminal to ask for the password; use --password-stdin', ExitCode.Usage);
  }
  const password = await promptPassword('Password: ');
  if ((await promptPassword('Again: ')) !== password)
    throw new CommandError('the two passwords differ', ExitCode.Usage);
  return password;
}

/** One line from the terminal, not shown. @throws CommandError when it is broken off */
export function promptPassword(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (): void => {
      stdin.off('data', receive);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
    };
    const receive = (chunk: string): void => {
      for (const key of chunk) {
        if (key === '\r' || key === '\n') {
          end();
          return resolve(typed);
        }
        if (key === CTRL_C || key === CTRL_D) {
          end();
          return reject(new CommandError('no password was given'));
        }
        if (key === BACKSPACE || key === DELETE) typed = typed.replace(/.$/su, '');
        else if (key === CTRL_U) typed = '';
        else typed += key;
      }
      return undefined;
    };
    stdin.on('data', receive);
  });
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const BACKSPACE = '\b';
const DELETE = '\u007f';
