import type { OutboxMail } from "./cloud/aws-endpoints.ts";

/** A page for a browser. */
export class OutboxPage {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
}

/** A mail as a mail program shows it, or a text message as a phone does. What was sent cannot run anything here: it is framed, without scripts. */
export function outboxPage(mail: OutboxMail, number: number, count: number): OutboxPage {
  const isMail = mail.channel !== "sms";
  const facts = [["To", mail.to.join(", ")], ...(isMail ? [["From", mail.from]] : []), ["At", mail.at], ...(isMail ? [["Subject", mail.subject]] : [])];
  const link = (to: number, words: string) => (to >= 1 && to <= count ? `<a href="/local/outbox/${to}">${words}</a>` : words);
  return new OutboxPage(`<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${escaped(isMail ? mail.subject : "Text message")}</title></head>
  <body style="margin:0;font:15px/1.5 sans-serif;color:#1f2328;">
    <nav style="padding:8px 16px;background:#e8eaed;">${isMail ? "Mail" : "Text message"} ${number} of ${count} · ${link(number - 1, "earlier")} · ${link(number + 1, "later")}</nav>
    <dl style="display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:12px 16px;">
      ${facts.map(([label = "", value = ""]) => `<dt>${label}</dt><dd style="margin:0;">${escaped(value)}</dd>`).join("\n      ")}
    </dl>
    ${
      mail.html === undefined
        ? ""
        : `<iframe title="The mail" sandbox srcdoc="${escaped(mail.html)}" style="display:block;width:100%;height:70vh;border:0;border-top:1px solid #e3e6ea;"></iframe>`
    }
    <pre style="margin:12px 16px;white-space:pre-wrap;">${escaped(mail.text ?? "")}</pre>
  </body>
</html>
`);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
