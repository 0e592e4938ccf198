import type { OpenApi, OpenApiContent, OpenApiOperation } from "../../contracts/openapi.ts";
import { typeText } from "../../contracts/type-text.ts";

/** Text, already safe to stand in a page. */
type Html = string;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:0 1rem 4rem;color:#1b1b1f;background:#fff}
h2{margin-top:3rem;border-top:1px solid #ccc;padding-top:1rem}h3 code{font-size:1rem}
pre{background:#f4f4f6;padding:.75rem;overflow-x:auto;font-size:.85rem;line-height:1.4}code{font-family:ui-monospace,monospace}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#16161a}pre{background:#222228}a{color:#8ab4ff}h2,td,th{border-color:#444}}`;

/** The OpenAPI document as one page for people. It loads nothing from anywhere. */
export function renderPage({ info, paths, components }: OpenApi): Html {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const contents = operations.map(
    ({ method, path, operation }) => `<li><a href="#${operation.operationId}"><code>${method} ${escaped(path)}</code></a> ${escaped(operation.summary)}</li>`,
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => {
    const told = typeof schema.description === "string" ? paragraphs(schema.description) : "";
    return `<h3 id="type-${name}">${name}</h3>${told}${typeBlock(schema)}`;
  });
  const { signIn } = components.securitySchemes;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(info.title)} API</title><style>${STYLE}</style></head>
<body><h1>${escaped(info.title)} API</h1>${paragraphs(info.description)}${paragraphs(signIn.description)}<p><a href="openapi.json">openapi.json</a></p>
<ul>${contents.join("")}</ul>
${operations.map(({ method, path, operation }) => operationSection(method, path, operation)).join("\n")}
<h2>Types</h2>${schemas.join("\n")}
</body></html>`;
}

function operationSection(
  method: string,
  path: string,
  { operationId, summary, description, security, parameters, requestBody, responses }: OpenApiOperation,
): Html {
  const scopes = security.flatMap((scheme) => Object.values(scheme).flat());
  const rows = parameters.map(
    ({ name, in: place, required, description: says = "" }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${place}${required ? ", required" : ""}</td><td>${inline(says)}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, response]) => `<tr><td>${status}</td><td>${paragraphs(response.description)}${contentBlocks(response.content ?? {})}</td></tr>`,
  );
  return `<h2 id="${operationId}">${escaped(summary)}</h2><h3><code>${method} ${escaped(path)}</code></h3>
${description === undefined ? "" : paragraphs(description)}<p>${scopes.length > 0 ? `Needs the scope <code>${escaped(scopes.join(" "))}</code>.` : "Needs no token."}</p>
${rows.length > 0 ? `<table><tr><th>Parameter</th><th>In</th><th></th></tr>${rows.join("")}</table>` : ""}
${requestBody === undefined ? "" : `<h4>Body</h4>${contentBlocks(requestBody.content)}`}
<h4>Answers</h4><table>${answers.join("")}</table>`;
}

function contentBlocks(content: OpenApiContent): Html {
  return Object.entries(content)
    .map(([type, { schema, examples = {} }]) => {
      const shown = Object.values(examples).map(
        ({ summary, value }) => `<details><summary>${escaped(summary)}</summary><pre>${escaped(JSON.stringify(value, null, 2))}</pre></details>`,
      );
      return `<p><code>${escaped(type)}</code></p>${typeBlock(schema)}${shown.join("")}`;
    })
    .join("");
}

function typeBlock(schema: OpenApiContent[string]["schema"]): Html {
  // The names of types hold nothing that escaping would change.
  return `<pre>${escaped(typeText(schema, (name) => `@${name}@`)).replaceAll(/@(\w+)@/g, '<a href="#type-$1">$1</a>')}</pre>`;
}

function paragraphs(text: string): Html {
  return text
    .split("\n\n")
    .map((each) => `<p>${inline(each).replaceAll("\n", "<br>")}</p>`)
    .join("");
}

function inline(text: string): Html {
  return escaped(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function escaped(text: string): Html {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
