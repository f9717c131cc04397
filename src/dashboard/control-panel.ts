// What can be asked of the gateway as a whole.
import { confirmAction, tell } from './dialog.ts';
import { byId } from './dom.ts';
import type { GatewayClient } from './gateway-client.ts';

/** @param changed asks for a refresh */
export function startControlPanel(client: GatewayClient, changed: () => void): void {
  const offer = (id: string, act: () => Promise<void>): void =>
    byId(id).addEventListener('click', () => {
      void act()
        .catch((error: unknown) => tell('Not done', error instanceof Error ? error.message : String(error)))
        .finally(changed);
    });
  offer('reload', () => reload(client));
  offer('drain', () => drain(client));
}

async function reload(client: GatewayClient): Promise<void> {
  const result = await client.reload();
  if (!result.ok) return tell('Nothing was changed', result.problems.join('\n'));
  const later = result.needsRestart.length === 0 ? [] : [`Needs a restart: ${result.needsRestart.join(', ')}.`];
  return tell('Configuration reloaded', [...later, ...result.warnings].join('\n') || 'All of it is in force.');
}

async function drain(client: GatewayClient): Promise<void> {
  const isSure = await confirmAction({
    title: 'Drain this gateway?',
    text: 'It takes no new tunnels until it is started again, and /readyz says so to load balancers. The tunnels that there are stay.',
    action: 'Drain',
  });
  if (isSure) await client.drain();
}
