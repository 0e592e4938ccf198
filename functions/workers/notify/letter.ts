import type { Language } from "../../domain/choices.ts";
import type { Told } from "./told.ts";

/** What an e-mail says, without a form: text and HTML are made of the same. */
export interface Letter {
  readonly language: Language;
  readonly product: string;
  readonly subject: string;
  readonly heading: string;
  readonly tone: Told["tone"];
  readonly opening: string;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly action?: { readonly label: string; readonly url: string };
  readonly footer: string;
  /** Between a label and what it names. */
  readonly colon: string;
}

export function letterAsText({ heading, opening, facts, action, footer, colon }: Letter): string {
  return [
    heading,
    opening,
    facts.map(({ label, value }) => (label.endsWith("?") ? `${label} ${value}` : `${label}${colon}${value}`)).join("\n"),
    ...(action === undefined ? [] : [`${action.label}${colon.trimEnd()}\n${action.url}`]),
    `-- \n${footer}`,
  ].join("\n\n");
}

/** Each is read on white at 4.5:1 or better, and says nothing that the words do not say. */
const TONES: Readonly<Record<Letter["tone"], string>> = { good: "#1a7f37", neutral: "#0b57d0", attention: "#9a5b00" };
const INK = "#1f2328";
const FAINT = "#57606a";
const FONTS = "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif";

/** One column with inline styles, as mail programs drop anything else. The tables of the frame are for them alone, and a screen reader passes them over. */
export function letterAsHtml({ language, product, subject, heading, tone, opening, facts, action, footer }: Letter): string {
  const color = TONES[tone];
  const rows = facts.map(
    ({ label, value }) => `
              <tr>
                <th scope="row" align="left" valign="top" style="padding:10px 16px 10px 0;border-top:1px solid #e3e6ea;font-weight:600;color:${FAINT};width:32%;">${escaped(label)}</th>
                <td valign="top" style="padding:10px 0;border-top:1px solid #e3e6ea;overflow-wrap:anywhere;">${escaped(value)}</td>
              </tr>`,
  );
  const button =
    action === undefined
      ? ""
      : `
            <p style="margin:24px 0 0;"><a href="${escaped(action.url)}" style="display:inline-block;padding:12px 24px;border-radius:6px;background:#0b57d0;color:#ffffff;font-weight:600;text-decoration:none;">${escaped(action.label)}</a></p>`;
  return `<!doctype html>
<html lang="${language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width,initial-scale=1">
    <meta name="color-scheme" content="light">
    <title>${escaped(subject)}</title>
  </head>
  <body style="margin:0;padding:0;background:#f3f4f6;">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6;">
      <tr>
        <td align="center" style="padding:24px 12px;">
          <div style="max-width:560px;text-align:left;background:#ffffff;border-top:4px solid ${color};border-radius:6px;padding:24px;font-family:${FONTS};font-size:16px;line-height:1.5;color:${INK};">
            <p style="margin:0 0 8px;font-size:14px;color:${FAINT};">${escaped(product)}</p>
            <h1 style="margin:0 0 12px;font-size:22px;line-height:1.3;color:${INK};">${escaped(heading)}</h1>
            <p style="margin:0 0 20px;">${escaped(opening)}</p>
            <table width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse;font-size:15px;line-height:1.5;">${rows.join("")}
            </table>${button}
            <p style="margin:24px 0 0;padding-top:16px;border-top:1px solid #e3e6ea;font-size:13px;color:${FAINT};">${escaped(footer)}</p>
          </div>
        </td>
      </tr>
    </table>
  </body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
