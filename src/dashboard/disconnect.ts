import { confirmAction, tell } from './dialog.ts';
import type { SessionView } from '../admin/schema/session.ts';
import { type GatewayClient, RefusedError } from './gateway-client.ts';
import { nameOf } from './session-columns.ts';

/** Ends a session after asking. @returns whether it is going, or gone. */
export async function disconnectSession(client: GatewayClient, session: SessionView): Promise<boolean> {
  const isSure = await confirmAction({
    title: `Disconnect ${nameOf(session)}?`,
    text: `The tunnel of ${session.ipv4 ?? session.remoteAddress} ends at once. The client may connect again.`,
    action: 'Disconnect',
  });
  if (!isSure) return false;
  try {
    await client.disconnect(session.id);
    return true;
  } catch (error) {
    // It has ended by itself meanwhile.
    if (error instanceof RefusedError && error.status === 404) return true;
    await tell('Not disconnected', error instanceof Error ? error.message : String(error));
    return false;
  }
}
