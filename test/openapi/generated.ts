import { join } from "node:path";
import { openApi } from "../../functions/contracts/openapi.ts";
import { clientSchema } from "./client-schema.ts";
import { recordExamples } from "./examples.ts";

const ROOT = join(import.meta.dirname, "../..");

/** What is committed and made of the route table: `npm run openapi` writes it, a test holds it to the code. */
export async function generatedFiles(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const document = openApi(await recordExamples());
  return [
    { path: join(ROOT, "docs/openapi.json"), text: `${JSON.stringify(document, null, 2)}\n` },
    { path: join(ROOT, "web/api-client/schema.ts"), text: clientSchema(document) },
  ];
}
