import { createInterface } from 'node:readline/promises';
import { CommandError, ExitCode } from './command-error.ts';

/**
 * Asks on the terminal; anything but yes is no.
 * @throws CommandError when there is no terminal: `without` says what to do then
 */
export async function confirm(question: string, without: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CommandError(without, ExitCode.Usage);
  // Standard output is for the result.
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D would leave the question unanswered for ever.
  const given = new AbortController();
  terminal.once('close', () => given.abort());
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `, given)).trim());
  } catch (error) {
    if (!given.signal.aborted) throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}
