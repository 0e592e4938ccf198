import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { LANGUAGES, type Language } from "../../functions/domain/choices.ts";
import { renderNotice } from "../../functions/workers/notify/render-notice.ts";
import { linkIn, SAMPLE_NOTICES } from "./sample-notices.ts";

/** Draws all notices as a mail program shows them, one picture per language: docs/notices-<language>.png. Needs Chromium, a Chinese font, and pngquant (64 colours are plenty). */

const DOCS = join(import.meta.dirname, "../../docs");
const COLUMNS = 3;
const WIDTH = 460;

function pageOf(language: Language): string {
  const frames = SAMPLE_NOTICES.map((event) => {
    const { html } = renderNotice(event, { language, timeZone: "Asia/Shanghai" }, linkIn(event));
    return `<iframe srcdoc="${html.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}" style="width:${WIDTH}px;border:0;"></iframe>`;
  });
  const columns = Array.from({ length: COLUMNS }, (_, column) => `<div>${frames.filter((_frame, index) => index % COLUMNS === column).join("")}</div>`);
  return `<!doctype html><html lang="${language}"><body style="margin:0;display:flex;background:#f3f4f6;">${columns.join("")}</body></html>`;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-lcd-text"] });
try {
  for (const language of LANGUAGES) {
    const page = await browser.newPage({ viewport: { width: COLUMNS * WIDTH, height: 800 } });
    await page.setContent(pageOf(language), { waitUntil: "load" });
    // Each frame as high as its letter.
    await page.evaluate(
      "for (const { style, contentDocument } of document.querySelectorAll('iframe')) Object.assign(style, { display: 'block', height: contentDocument.documentElement.scrollHeight + 'px' })",
    );
    const path = join(DOCS, `notices-${language}.png`);
    await page.screenshot({ path, fullPage: true });
    execFileSync("pngquant", ["--force", "--nofs", "--speed", "1", "--output", path, "64", path]);
    console.log(`${path}: ${Math.round(statSync(path).size / 1024)} KB`);
  }
} finally {
  await browser.close();
}
