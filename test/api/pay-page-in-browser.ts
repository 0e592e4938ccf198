import { runInNewContext } from "node:vm";
import * as z from "zod/mini";

/** What a page of a pay link shows, as far as a test looks at it. */
export function partsOf(html: string) {
  const rows = [...html.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name = "", value = ""]) => [name, value] as const);
  const script = /<script id="payment" type="application\/json">(.*?)<\/script>/.exec(html)?.[1];
  return {
    title: /<h1>(.*?)<\/h1>/.exec(html)?.[1],
    rows: Object.fromEntries(rows),
    /** Where its form posts to, beside the page. */
    declinesAt: /<form method="post" action="([^"]+)">/.exec(html)?.[1],
    payment: script === undefined ? undefined : z.parse(z.record(z.string(), z.unknown()), JSON.parse(script)),
    scripts: [...html.matchAll(/<script nonce="([^"]+)"(?: src="([^"]+)")?>(.*?)<\/script>/gs)].map(([, nonce, src, text]) => ({ nonce, src, text })),
  };
}

/** Plays a page in as much of a browser as its script asks for: somebody presses its button. `library` is what its `src` would load. */
export async function pressConfirm(html: string, { url, library, fetch }: { readonly url: string; readonly library: string; readonly fetch: unknown }) {
  const { payment, scripts } = partsOf(html);
  const pressed: (() => Promise<void>)[] = [];
  const seen = { message: "", loaded: [] as string[], isShown: false };
  const elements: Readonly<Record<string, object>> = {
    payment: { textContent: JSON.stringify(payment) },
    message: {
      set textContent(text: string) {
        seen.message = text;
      },
    },
    confirm: {
      disabled: false,
      set hidden(isHidden: boolean) {
        seen.isShown = !isHidden;
      },
      addEventListener: (_click: string, act: () => Promise<void>) => pressed.push(act),
    },
  };
  const { origin, pathname, search } = new URL(url);
  const location = { origin, pathname, search, replace: (to: string) => seen.loaded.push(to) };
  const history = { replaceState: (_state: unknown, _title: string, to: string) => seen.loaded.push(`(address) ${to}`) };
  const browser = { document: { getElementById: (id: string) => elements[id] }, location, history, fetch };
  runInNewContext(`${library}\n${scripts.find(({ src }) => src === undefined)?.text ?? ""}`, browser);
  for (const press of pressed) await press();
  return seen;
}
