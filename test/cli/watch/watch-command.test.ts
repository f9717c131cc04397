import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FakeGateway } from '../../admin/fake-gateway.ts';
import { SilentAdmin } from '../../admin/silent-admin.ts';
import { startCommand } from '../start-command.ts';
import { runOnTerminal } from './terminal.ts';

const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

let gateway: FakeGateway;
let server: SilentAdmin;
let args: string[];

beforeEach(async () => {
  gateway = new FakeGateway();
  gateway.add('7f3a');
  server = await SilentAdmin.start(gateway);
  args = ['sessions', '--watch', '--interval', '100ms', '--admin', server.url];
});
afterEach(() => server.close());

for (const [how, quit] of [
  ['q', (terminal: ReturnType<typeof runOnTerminal>) => terminal.type('q')],
  ['Ctrl-C', (terminal: ReturnType<typeof runOnTerminal>) => terminal.type('\u0003')],
  ['SIGTERM', (terminal: ReturnType<typeof runOnTerminal>) => terminal.kill('SIGTERM')],
  ['SIGHUP', (terminal: ReturnType<typeof runOnTerminal>) => terminal.kill('SIGHUP')],
] as const) {
  test(`${how} ends the watch and gives the terminal back`, async () => {
    const terminal = runOnTerminal(args);
    await terminal.untilDrawn(/7f3a {2}alice/);
    quit(terminal);
    const { code, output } = await terminal.ended;
    assert.equal(code, 0);
    assert.ok(output.includes(ENTER));
    assert.ok(output.endsWith(LEAVE), JSON.stringify(output.slice(-80)));
  });
}

test('an answer that makes no sense ends the watch with an error behind the terminal that was given back', async () => {
  const terminal = runOnTerminal(args);
  await terminal.untilDrawn(/7f3a {2}alice/);
  gateway.status = () => ({}) as never;
  const { code, output } = await terminal.ended;
  assert.equal(code, 1);
  const [, after = ''] = output.split(LEAVE);
  assert.match(after, /TypeError/);
});

test('keys work on the screen: new sessions show up, one is looked at and disconnected', async () => {
  const terminal = runOnTerminal(args);
  await terminal.untilDrawn(/7f3a {2}alice/);
  gateway.add('7f3b', { user: 'bob\u001b[2J' });
  await terminal.untilDrawn(/7f3b {2}bob\?\[2J/);
  terminal.type('/bob\r\r');
  await terminal.untilDrawn(/user +bob\?\[2J/);
  terminal.type('q');
  await terminal.untilDrawn(/1 of 2 sessions by rate {2}filter: bob/);
  terminal.type('d');
  await terminal.untilDrawn(/End session 7f3b of bob\?\[2J from 192\.0\.2\.1:50000\? y\/n/);
  assert.equal(gateway.rows.size, 2);
  terminal.type('y');
  await terminal.untilDrawn(/session 7f3b is closing/);
  assert.deepEqual(gateway.disconnected, ['7f3b']);
  terminal.type('q');
  assert.equal((await terminal.ended).code, 0);
});

test('a gateway that goes away is told on the screen, which stays', async () => {
  const terminal = runOnTerminal(args);
  await terminal.untilDrawn(/7f3a {2}alice/);
  gateway.broken = true;
  await terminal.untilDrawn(/the gateway failed to answer; its log says why/);
  gateway.broken = false;
  gateway.add('back');
  await terminal.untilDrawn(/back {2}alice/);
  terminal.type('q');
  assert.equal((await terminal.ended).code, 0);
});

test('without a gateway the terminal is left alone', async () => {
  server.close();
  const { code, output } = await runOnTerminal(args).ended;
  assert.equal(code, 1);
  assert.ok(!output.includes(ENTER));
  assert.match(output, /no gateway answers at http/);
});

test('without a terminal it is a table for each interval, until a signal', async () => {
  const command = startCommand([...args, '--limit', '1']);
  gateway.add('7f3b');
  await command.untilPrinted(/^ID [\s\S]*^1 of 2 sessions$[\s\S]*^ID [\s\S]*^1 of 2 sessions$/m);
  command.kill('SIGTERM');
  const { code, stdout, stderr } = await command.ended;
  assert.equal(code, 0, stderr);
  // eslint-disable-next-line no-control-regex -- which is what must not be there
  assert.doesNotMatch(stdout, /\u001b/);
});

test('with --json it is a line for each interval', async () => {
  const command = startCommand([...args, '--json']);
  await command.untilPrinted(/\n.+\n/);
  command.kill('SIGINT');
  const { code, stdout } = await command.ended;
  assert.equal(code, 0);
  const { at, ...list } = JSON.parse(stdout.split('\n', 1)[0]!) as { at: string };
  assert.ok(Date.parse(at) > 0);
  assert.deepEqual(list, { matched: 1, sessions: [gateway.rows.get('7f3a')] });
});
