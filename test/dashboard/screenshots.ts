// The documentation's pictures of the dashboard.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { Visit } from './browser.ts';
import type { LiveGateway } from './live-gateway.ts';

const DESK = { viewport: { width: 1280, height: 860 } } as const;
const DARK = { ...DESK, colorScheme: 'dark' } as const;
const PHONE = {
  viewport: { width: 360, height: 780 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 1.5,
} as const;

/** Long enough for charts that have something to show. */
const HISTORY_MS = 120_000;
/** Some turns of the poll: rates, events. */
const LOOK_MS = 5000;

interface Picture {
  readonly name: string;
  readonly options: BrowserContextOptions;
  readonly view: string;
  /** What has to be there. */
  readonly shown: string;
  readonly scrollTo?: string;
}

const PICTURES: readonly Picture[] = [
  { name: 'overview-light', options: DESK, view: '#/', shown: '#talkers li' },
  { name: 'overview-details', options: DESK, view: '#/', shown: '#events li', scrollTo: '.stack' },
  { name: 'overview-dark', options: DARK, view: '#/', shown: '#talkers li' },
  { name: 'sessions', options: DESK, view: '#/sessions?sort=-txRate', shown: '#sessions-rows tr' },
  { name: 'session-dark', options: DARK, view: '#/sessions/', shown: '#session-cards dl' },
  { name: 'phone', options: PHONE, view: '#/', shown: '#talkers li' },
];

/** Writes dashboard-*.png into the folder. */
export async function drawScreenshots(browser: Browser, gateway: LiveGateway, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await sleep(HISTORY_MS);
  const jonas = (await gateway.process.sessions()).find(({ user }) => user === 'jonas')!.id;
  for (const { name, options, view, shown, scrollTo } of PICTURES) {
    const address = `${gateway.process.admin}/${view}${view.endsWith('sessions/') ? jonas : ''}`;
    const visit = await Visit.start(browser, address, options);
    await visit.page.waitForTimeout(1000);
    if (scrollTo !== undefined) await gateway.stir();
    await visit.page.locator(shown).first().waitFor();
    await visit.page.waitForTimeout(LOOK_MS);
    if (scrollTo !== undefined) await visit.evaluate(`document.querySelector('${scrollTo}').scrollIntoView()`);
    await visit.page.screenshot({ path: join(folder, `dashboard-${name}.png`) });
    await visit.close();
  }
}
