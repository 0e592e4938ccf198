import type { PayLinkReply } from "../../contracts/pay-links.ts";
import type { Language } from "../../domain/choices.ts";
import { decimalsOf, type Money } from "../../domain/money.ts";
import type { Instant } from "../../domain/time.ts";
import type { StripePage } from "./find-payment.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAY_WORDS, type PayProblem, type PayWords } from "./pay-words.ts";

export interface PayPage {
  readonly language: Language;
  readonly timeZone: string;
  readonly token: string;
  readonly view: PayLinkReply;
  readonly stripe: StripePage;
  /** Random: only what we wrote runs. */
  readonly nonce: string;
}

/** A page and the policy that it is sent with. */
export interface Html {
  readonly html: string;
  readonly policy: string;
}

/** What is to be paid, with what can be done about it. */
export function payPage(page: PayPage): Html {
  const { language, token, view, stripe, nonce } = page;
  const { status, action } = view;
  const words = PAY_WORDS[language];
  const isConfirmable = action?.publishableKey !== undefined;
  const parts = [
    paragraph(words.texts[status]),
    rowsOf(page, words),
    '<p id="message" role="status"></p>',
    ...(action === undefined
      ? []
      : isConfirmable
        ? [`<button id="confirm" type="button" hidden>${escaped(words.buttons.confirm)}</button>`, `<noscript>${paragraph(words.needsScript)}</noscript>`]
        : [paragraph(words.useApp)]),
    ...(status === "awaiting-customer" ? [declineForm(token, words.buttons.decline)] : []),
    ...(status === "announced" ? [declineForm(token, words.buttons.skip)] : []),
    ...(isConfirmable ? scriptsOf(view, stripe, words, nonce) : []),
  ];
  return {
    html: documentOf(language, words.titles[status], parts, nonce),
    policy: policyOf(nonce, isConfirmable ? new URL(stripe.scriptUrl).origin : undefined),
  };
}

/** Why a link shows nothing. */
export function problemPage(language: Language, problem: PayProblem, nonce: string): Html {
  const { titles, texts } = PAY_WORDS[language];
  return { html: documentOf(language, titles[problem], [paragraph(texts[problem])], nonce), policy: policyOf(nonce, undefined) };
}

function rowsOf({ language, timeZone, view }: PayPage, words: PayWords): string {
  const { lineLastFour, amount, threshold, method, until, status } = view;
  const named = method.type === "card" ? `${method.brand} …${method.lastFour}` : words.methods[method.type];
  const rows = [
    [words.rows.line, `eSIM …${lineLastFour}`],
    [words.rows.amount, shownMoney(amount, language)],
    [words.rows.why, threshold === undefined ? words.asked : words.below(shownMoney(threshold, language))],
    [words.rows.method, named],
    ...(until === undefined ? [] : [[status === "announced" ? words.rows.chargedAt : words.rows.until, shownTime(until, language, timeZone)]]),
  ];
  return `<dl>${rows.map(([name = "", value = ""]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`;
}

function shownMoney({ amount, currency }: Money, language: Language): string {
  const digits = decimalsOf(currency);
  const format = new Intl.NumberFormat(language, { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
  return format.format(amount / 10 ** digits);
}

function shownTime(at: Instant, language: Language, timeZone: string): string {
  return `${new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short", timeZone }).format(new Date(at))} (${timeZone})`;
}

/** Posted without a script, and without a body: the address, beside that of the page, says all. */
function declineForm(token: string, label: string): string {
  return `<form method="post" action="${escaped(token)}/decline"><button type="submit">${escaped(label)}</button></form>`;
}

function scriptsOf({ action, method }: PayLinkReply, { scriptUrl }: StripePage, { failed, waiting }: PayWords, nonce: string): string[] {
  const payment = JSON.stringify({ ...action, type: method.type, words: { failed, waiting } }).replaceAll("<", "\\u003c"); // so that it cannot end its element
  return [
    `<script id="payment" type="application/json">${payment}</script>`,
    `<script nonce="${nonce}" src="${escaped(scriptUrl)}"></script>`,
    `<script nonce="${nonce}">${PAGE_SCRIPT}</script>`,
  ];
}

const STYLE = `
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1.5rem; }
main { max-width: 28rem; margin: 0 auto; }
dt { opacity: 0.7; } dd { margin: 0 0 0.75rem; font-weight: 600; }
button { width: 100%; padding: 0.75rem; margin: 0.25rem 0; font: inherit; border-radius: 0.5rem; border: 1px solid; cursor: pointer; }
#confirm { background: #0a5; border-color: #0a5; color: #fff; }
`;

function documentOf(language: Language, title: string, parts: readonly string[], nonce: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${escaped(title)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${parts.join("\n")}
</main>
</body>
</html>
`;
}

function paragraph(text: string): string {
  return `<p>${escaped(text)}</p>`;
}

/** Source: https://docs.stripe.com/security/guide#content-security-policy */
function policyOf(nonce: string, scriptOrigin: string | undefined): string {
  const stripe =
    scriptOrigin === undefined
      ? []
      : [
          `script-src 'nonce-${nonce}' ${scriptOrigin}`,
          "connect-src 'self' https://api.stripe.com",
          "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
        ];
  return ["default-src 'none'", `style-src 'nonce-${nonce}'`, ...stripe, "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"].join("; ");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
