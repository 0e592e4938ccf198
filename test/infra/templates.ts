import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";

/** A resource as its template has it: intrinsics are not resolved. */
export interface TemplateResource {
  readonly stack: string;
  /** Logical id. */
  readonly id: string;
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[] | undefined;
  readonly DeletionPolicy?: string | undefined;
  readonly UpdateReplacePolicy?: string | undefined;
}

/** The synthesized templates, as a test asks them. */
export interface Templates {
  readonly all: readonly TemplateResource[];
  /** At least one: a test that walks over nothing would prove nothing. */
  ofType(type: string): TemplateResource[];
  /** The same, with what the schema reads of the properties. */
  read<Schema extends z.ZodMiniType>(type: string, schema: Schema): { readonly stack: string; readonly id: string; readonly properties: z.infer<Schema> }[];
  /** Logical ids of the outputs that are exported, by stack. */
  readonly exports: Readonly<Record<string, readonly string[]>>;
}

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z.optional(z.object({ templateFile: z.optional(z.string()), terminationProtection: z.optional(z.boolean()) })),
    }),
  ),
});
const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z._default(z.record(z.string(), z.unknown()), {}),
      DependsOn: z.optional(z.array(z.string())),
      DeletionPolicy: z.optional(z.string()),
      UpdateReplacePolicy: z.optional(z.string()),
    }),
  ),
  Outputs: z._default(z.record(z.string(), z.object({ Export: z.optional(z.unknown()) })), {}),
});

/** The logical id that a Ref, or an Fn::GetAtt, of the same template points at. */
export const pointer = z.pipe(
  z.union([z.object({ Ref: z.string() }), z.object({ "Fn::GetAtt": z.tuple([z.string(), z.string()]) })]),
  z.transform((to) => ("Ref" in to ? to.Ref : to["Fn::GetAtt"][0])),
);

/** The stacks of an assembly, by name. */
export function readStacks(assembly: string): { readonly name: string; readonly templateFile: string; readonly terminationProtection: boolean }[] {
  const { artifacts } = z.parse(manifestSchema, JSON.parse(readFileSync(join(assembly, "manifest.json"), "utf8")));
  return Object.entries(artifacts)
    .filter(([, { type }]) => type === "aws:cloudformation:stack")
    .map(([name, { properties = {} }]) => ({
      name,
      templateFile: join(assembly, properties.templateFile ?? `${name}.template.json`),
      terminationProtection: properties.terminationProtection ?? false,
    }));
}

export function readTemplates(assembly: string): Templates {
  const templates = readStacks(assembly).map(({ name, templateFile }) => ({
    stack: name,
    ...z.parse(templateSchema, JSON.parse(readFileSync(templateFile, "utf8"))),
  }));
  const all = templates.flatMap(({ stack, Resources }) => Object.entries(Resources).map(([id, resource]) => ({ stack, id, ...resource })));
  const ofType = (type: string) => {
    const found = all.filter(({ Type }) => Type === type);
    if (found.length === 0) throw new Error(`The stacks have no ${type}: this test has lost its object`);
    return found;
  };
  return {
    all,
    ofType,
    read: (type, schema) =>
      ofType(type).map(({ stack, id, Properties }) => {
        const { success, data, error } = z.safeParse(schema, Properties);
        if (!success) throw new Error(`${stack}, ${id} (${type}) is not as promised: ${z.prettifyError(error)}`);
        return { stack, id, properties: data };
      }),
    exports: Object.fromEntries(
      templates.map(({ stack, Outputs }) => [stack, Object.entries(Outputs).flatMap(([id, output]) => (output.Export === undefined ? [] : [id]))]),
    ),
  };
}
