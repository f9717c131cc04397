// The page of the admin plane: which view is shown, asking the gateway for it, and signing in.
import { startControlPanel } from './control-panel.ts';
import { byId, setAttribute, setText } from './dom.ts';
import { EventFeed } from './event-feed.ts';
import { EventPanel } from './event-panel.ts';
import { GatewayClient, RefusedError, TokenNeededError, UnreachableError } from './gateway-client.ts';
import { Overview } from './overview.ts';
import { Poller } from './poller.ts';
import { parseRoute, sessionsHash } from './route.ts';
import { SessionList } from './session-list.ts';
import { SessionPage } from './session-page.ts';
import { Shell } from './shell.ts';
import { SignIn } from './sign-in.ts';
import { startTheme } from './theme.ts';
import type { View } from './view.ts';

const client = new GatewayClient();
const shell = new Shell();
const events = new EventPanel();
const feed = new EventFeed(client, event => events.add(event));
const poller = new Poller(ask);
const refresh = (): void => poller.now();
const overview = new Overview(client, refresh);
const sessions = new SessionList(client, refresh);
const session = new SessionPage(client, refresh);
const signIn = new SignIn(token => {
  client.token = token;
  signIn.hide();
  follow();
  poller.start();
});
const views: readonly View[] = [overview, sessions, session];
let shown: View = overview;

startControlPanel(client, refresh);
startTheme(() => views.forEach(view => view.redraw()));
addEventListener('hashchange', follow);
byId('skip').addEventListener('click', event => {
  event.preventDefault();
  byId('main').focus();
});
byId('sign-out').addEventListener('click', () => {
  client.token = null;
  signOut('');
});
follow();
poller.start();

/** Shows what the address says. */
function follow(): void {
  const route = parseRoute(location.hash) ?? { view: 'overview' };
  if (route.view === 'sessions') {
    sessions.query = route;
    setAttribute(byId('session-back'), 'href', sessionsHash(route));
  }
  if (route.view === 'session') session.id = route.id;
  const before = shown;
  shown = { overview, sessions, session }[route.view];
  for (const view of views) view.root.hidden = view !== shown || signIn.isShown;
  setAttribute(byId('nav-overview'), 'aria-current', shown === overview ? 'page' : undefined);
  setAttribute(byId('nav-sessions'), 'aria-current', shown === overview ? undefined : 'page');
  showTitle();
  if (shown !== before) {
    scrollTo(0, 0);
    // A reader with a keyboard goes on in the new view.
    byId('main').focus({ preventScroll: true });
  }
  poller.now();
}

async function ask(): Promise<void> {
  const view = shown;
  try {
    const status = await client.status();
    shell.show(status);
    byId('sign-out').hidden = client.token === null;
    feed.open();
    await view.refresh(status);
    shell.showWell();
    showTitle();
  } catch (error) {
    if (error instanceof TokenNeededError) signOut(client.token === null ? '' : error.message);
    else if (error instanceof UnreachableError) shell.showLost();
    else if (error instanceof RefusedError) shell.showFault(`The gateway refused: ${error.message}.`);
    else {
      shell.showFault("This page failed; the browser's console says why.");
      reportError(error);
    }
  }
}

function signOut(problem: string): void {
  client.token = null;
  poller.stop();
  feed.close();
  shell.showSignedOut();
  byId('sign-out').hidden = true;
  for (const view of views) view.root.hidden = true;
  signIn.show(problem);
}

function showTitle(): void {
  const title = `${shown.title} · ${byId('node').textContent}`;
  if (document.title !== title) setText(document.querySelector('title')!, title);
}
