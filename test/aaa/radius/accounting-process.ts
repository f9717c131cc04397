// A process with accounted sessions that is there to be killed: arguments are the state directory, the server's port, how many sessions.
import { pino } from 'pino';
import { RadiusAccounting } from '../../../src/aaa/radius/accounting.ts';
import { accountedSession } from './accounted-session.ts';
import { radiusOptions } from './radius-options.ts';

const [stateDir = '', port = '', sessions = ''] = process.argv.slice(2);
const startedAt = Date.now();

const accounting = new RadiusAccounting({
  stateDir,
  radius: radiusOptions(Number(port)),
  announces: true,
  // Grows while the session lives.
  traffic: () => ({ rxBytes: 1 + Date.now() - startedAt, txBytes: 2, rxPackets: 3, txPackets: 4 }),
  log: pino({ level: 'silent' }),
});
for (let index = 0; index < Number(sessions); index++) {
  accounting.start(accountedSession(`killed-${startedAt}-${index}`, { interimIntervalMs: 250 }));
}
accounting.stop(
  `killed-${startedAt}-0`,
  'User-Request',
  { rxBytes: 9, txBytes: 9, rxPackets: 9, txPackets: 9 },
  Date.now(),
);
// The end of the turn writes; from then on nothing may be lost.
setImmediate(() => setImmediate(() => process.stdout.write('written\n')));
setInterval(() => {}, 1000);
