// The documentation's pictures of the dashboard.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { Visit } from './browser.ts';

const DESK = { viewport: { width: 1280, height: 860 } } as const;
const PHONE = {
  viewport: { width: 360, height: 780 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 1.5,
} as const;

/** Long enough for charts that have something to show. */
const HISTORY_MS = 120_000;

/** Writes dashboard-*.png into the folder. */
export async function drawScreenshots(browser: Browser, url: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const draw = async (name: string, options: BrowserContextOptions, view: string, shown: string): Promise<void> => {
    const visit = await Visit.start(browser, `${url}/${view}`, options);
    await visit.page.locator(shown).first().waitFor();
    // Another turn of the poll: rates, events.
    await visit.page.waitForTimeout(3000);
    await visit.page.screenshot({ path: join(folder, `dashboard-${name}.png`) });
    await visit.close();
  };
  await new Promise(resolve => setTimeout(resolve, HISTORY_MS));
  const dark = { ...DESK, colorScheme: 'dark' } as const;
  await draw('overview-light', DESK, '', '#talkers li');
  await draw('overview-dark', dark, '', '#talkers li');
  await draw('sessions', DESK, '#/sessions?sort=-txRate', '#sessions-rows tr');
  await draw('phone', PHONE, '', '#talkers li');
  const visit = await Visit.start(browser, `${url}/#/sessions?search=jonas`, dark);
  await visit.page.locator('#sessions-rows th a').first().click();
  await visit.page.locator('#session-cards dl').first().waitFor();
  await visit.page.waitForTimeout(3000);
  await visit.page.screenshot({ path: join(folder, 'dashboard-session-dark.png') });
  await visit.close();
}
