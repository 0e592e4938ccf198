import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import * as z from "zod/mini";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** A stack of a cloud assembly, with its template as it was written. */
export interface AssemblyStack {
  readonly stackName: string;
  readonly template: Readonly<Record<string, unknown>>;
}

/** What `cdk synth` leaves behind. */
export interface Assembly {
  /** Every stack after the stacks it depends on. */
  readonly stacks: readonly AssemblyStack[];
  /** The folders of the file assets, by the key under which a deployment uploads them. */
  readonly assetFolders: ReadonlyMap<string, string>;
}

const manifestSchema = z.object({
  missing: z.optional(z.array(z.unknown())),
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      dependencies: z.optional(z.array(z.string())),
      properties: z.optional(z.object({ templateFile: z.optional(z.string()), stackName: z.optional(z.string()), file: z.optional(z.string()) })),
    }),
  ),
});
type Artifact = z.infer<typeof manifestSchema>["artifacts"][string];

const assetsSchema = z.object({
  files: z.optional(
    z.record(
      z.string(),
      z.object({
        source: z.object({ path: z.optional(z.string()), packaging: z.optional(z.string()) }),
        destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
      }),
    ),
  ),
});

/** Artifacts that describe the assembly itself, and deploy nothing. */
const DESCRIPTIONS = ["cdk:tree", "cdk:feature-flag-report"];

/** Reads a cloud assembly from its folder. Throws UnsupportedTemplate when it holds more than stacks and folders of files. */
export function readAssembly(folder: string): Assembly {
  const { artifacts, missing = [] } = z.parse(manifestSchema, readJson(join(folder, "manifest.json")));
  if (missing.length > 0) throw new UnsupportedTemplate(`${folder} lacks values that the CDK looks up in an AWS account: give them in the context`);
  const stacks: AssemblyStack[] = [];
  const assetFolders = new Map<string, string>();
  for (const [id, artifact] of dependenciesFirst(artifacts)) {
    if (artifact.type === "aws:cloudformation:stack") stacks.push(readStack(folder, id, artifact));
    else if (artifact.type === "cdk:asset-manifest") readAssets(folder, artifact.properties?.file ?? `${id}.json`, assetFolders);
    else if (!DESCRIPTIONS.includes(artifact.type)) {
      throw new UnsupportedTemplate(
        `${folder}: the local stack does not run the artifact ${id} (${artifact.type}). Synthesize the stacks of one stage, directly in an App`,
      );
    }
  }
  return { stacks, assetFolders };
}

function readStack(folder: string, id: string, { properties }: Artifact): AssemblyStack {
  const template = z.parse(z.record(z.string(), z.unknown()), readJson(join(folder, properties?.templateFile ?? `${id}.template.json`)));
  return { stackName: properties?.stackName ?? id, template };
}

function readAssets(folder: string, file: string, into: Map<string, string>): void {
  for (const { source, destinations } of Object.values(z.parse(assetsSchema, readJson(join(folder, file))).files ?? {})) {
    if (source.packaging !== "zip" || source.path === undefined) continue; // a single file, such as a template; no function runs from one
    for (const { objectKey } of Object.values(destinations)) into.set(objectKey, isAbsolute(source.path) ? source.path : join(folder, source.path));
  }
}

function dependenciesFirst(artifacts: Readonly<Record<string, Artifact>>): [string, Artifact][] {
  const ordered = new Map<string, Artifact>();
  const visit = (id: string, path: readonly string[]) => {
    const artifact = artifacts[id];
    if (artifact === undefined || ordered.has(id)) return;
    if (path.includes(id)) throw new UnsupportedTemplate(`The stacks ${path.join(", ")} depend on each other in a circle`);
    for (const dependency of artifact.dependencies ?? []) visit(dependency, [...path, id]);
    ordered.set(id, artifact);
  };
  for (const id of Object.keys(artifacts)) visit(id, []);
  return [...ordered];
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
