import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "zod/mini";
import { type Assembly, type AssemblyStack, readAssembly } from "./assembly.ts";
import { NO_VALUE, resolve, type Scope } from "./intrinsics.ts";
import {
  type InterpretedType,
  isInterpreted,
  LOCAL_ACCOUNT,
  namesOf,
  type Placed,
  type PropertiesOf,
  readProperties,
  referencesOf,
} from "./supported-resources.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

export interface LoadOptions {
  /** `us-east-1` unless said otherwise. */
  readonly region?: string;
  /** Where the running stack serves a queue. */
  queueUrl(queueName: string): string;
  /** What only the running stack knows: `ProviderURL` of the user pool, `ApiEndpoint` of the HTTP API. */
  attributes?(type: string, attribute: string): string | undefined;
}

/** A resource that works on this machine, with all its intrinsics resolved. */
export interface Resource<Type extends InterpretedType = InterpretedType> {
  readonly type: Type;
  readonly stackName: string;
  readonly logicalId: string;
  readonly name: string;
  /** What Ref gives. */
  readonly ref: string;
  /** What Fn::GetAtt gives for Arn; what Ref gives where there is no Arn (a topic's or a secret's Ref is its ARN). */
  readonly arn: string;
  readonly properties: PropertiesOf<Type>;
}

/** The resources of all stacks, ready to be run. */
export interface StackGraph {
  readonly region: string;
  list<Type extends InterpretedType>(type: Type): Resource<Type>[];
  /** The values of the outputs, by stack and by logical id. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The folder with a function's code. Throws UnsupportedTemplate when there is none. */
  codeFolder(resource: Resource<"AWS::Lambda::Function">): string;
}

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.optional(z.record(z.string(), z.unknown())),
  Metadata: z.optional(z.record(z.string(), z.unknown())),
});
type RawResource = z.infer<typeof resourceSchema>;
const parameterSchema = z.object({ Type: z.string(), Default: z.optional(z.union([z.string(), z.number()])) });
const outputSchema = z.object({ Value: z.unknown(), Export: z.optional(z.object({ Name: z.unknown() })) });

/** Sections and attributes without a local effect, or with an effect only on a deployment. */
const SECTIONS = ["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Resources", "Outputs"];
const RESOURCE_ATTRIBUTES = ["Type", "Properties", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];
/** The CDK's check that the account was bootstrapped; there is no account. */
const BOOTSTRAP_PARAMETER = "BootstrapVersion";
const BOOTSTRAP_RULE = "CheckBootstrapVersion";

/** The exports of all stacks loaded so far, by name. */
type Exports = Map<string, string>;

interface LoadedResource {
  readonly resource: Omit<Resource, "properties">;
  readonly properties: unknown;
  readonly assetPath: string | undefined;
}

/**
 * Loads the stacks of a cloud assembly.
 *
 * Names and ids are the same at every start. Throws UnsupportedTemplate for the first thing that this machine would not do as AWS does.
 */
export function loadStacks(assemblyFolder: string, options: LoadOptions): StackGraph {
  const assembly = readAssembly(assemblyFolder);
  const region = options.region ?? "us-east-1";
  const exports: Exports = new Map();
  const loaded: LoadedResource[] = [];
  const outputs: Record<string, Record<string, string>> = {};
  for (const stack of assembly.stacks) {
    const result = loadStack(stack, { ...options, region }, exports);
    loaded.push(...result.resources);
    outputs[stack.stackName] = result.outputs;
  }
  checkReferences(loaded);
  return {
    region,
    outputs,
    list: (type) =>
      loaded
        .filter(({ resource }) => resource.type === type)
        .map(({ resource, properties }) => ({ ...resource, type, properties: readProperties(type, properties) })),
    codeFolder: (resource) => codeFolder(assemblyFolder, assembly, loaded, resource),
  };
}

function loadStack(stack: AssemblyStack, options: LoadOptions & { readonly region: string }, exports: Exports) {
  const { stackName, template } = stack;
  for (const section of Object.keys(template)) {
    if (!SECTIONS.includes(section)) refuse(stackName, undefined, `the local stack does not know the section ${section}`);
  }
  for (const rule of Object.keys(read(stackName, "Rules", z.record(z.string(), z.unknown()), template.Rules ?? {}))) {
    if (rule !== BOOTSTRAP_RULE) refuse(stackName, undefined, `the local stack does not check the rule ${rule}`);
  }
  const raw = readResources(stack);
  const parameters = readParameters(stack);

  const scopeAt = (at: string): Scope => ({
    ref: (name) => pseudoParameter(name, stackName, options.region) ?? parameters.get(name) ?? (name === "AWS::NoValue" ? NO_VALUE : names(name, at).ref),
    getAtt: (logicalId, attribute) => names(logicalId, at).attribute(attribute),
    importValue: (name) => exports.get(name) ?? refuse(stackName, at, `imports ${name}, which no stack that it depends on exports`),
    refuse: (fault) => refuse(stackName, at, fault),
  });

  /** The local names of a resource; `at` is who asks. */
  function names(logicalId: string, at: string) {
    const own = raw[logicalId];
    if (own === undefined) return refuse(stackName, at, `points at ${logicalId}, which is not in this template`);
    const described = namesOf(own.Type);
    const label = `${logicalId} (${own.Type})`;
    if (described === undefined) return refuse(stackName, label, "the local stack does not know this resource type");
    const text = (property: string) => read(stackName, `${label}: ${property}`, z.string(), resolve(own.Properties?.[property], scopeAt(label)));
    const given = described.namedBy !== undefined && own.Properties?.[described.namedBy] !== undefined ? text(described.namedBy) : undefined;
    const placed: Placed = {
      stackName,
      logicalId,
      region: options.region,
      name: given ?? generatedName(stackName, logicalId, described.nameLimit),
      text,
      queueUrl: (queueName) => options.queueUrl(queueName),
    };
    return {
      name: placed.name,
      get ref() {
        return described.ref?.(placed) ?? placed.name;
      },
      attribute: (attribute: string): string => {
        const known = described.attributes?.[attribute];
        if (known === undefined) return refuse(stackName, label, `the local stack does not know the attribute ${attribute}, which ${at} asks for`);
        if (known !== "given") return known(placed);
        return (
          options.attributes?.(own.Type, attribute) ?? refuse(stackName, label, `the running stack does not say what ${attribute} is, which ${at} asks for`)
        );
      },
    };
  }

  const resources: LoadedResource[] = [];
  for (const [logicalId, { Type: type, Properties = {}, Metadata = {} }] of Object.entries(raw)) {
    const label = `${logicalId} (${type})`;
    const { name, ref, attribute } = names(logicalId, label);
    if (!isInterpreted(type)) continue;
    const properties = resolve(Properties, scopeAt(label));
    checkProperties(stackName, label, type, properties);
    const arn = namesOf(type)?.attributes?.Arn === undefined ? ref : attribute("Arn");
    const assetPath = typeof Metadata["aws:asset:path"] === "string" ? Metadata["aws:asset:path"] : undefined;
    resources.push({ resource: { type, stackName, logicalId, name, ref, arn }, properties, assetPath });
  }

  const outputs: Record<string, string> = {};
  for (const [logicalId, { Value, Export }] of Object.entries(read(stackName, "Outputs", z.record(z.string(), outputSchema), template.Outputs ?? {}))) {
    const label = `output ${logicalId}`;
    const value = read(stackName, label, z.string(), resolve(Value, scopeAt(label)));
    outputs[logicalId] = value;
    if (Export !== undefined) exports.set(read(stackName, label, z.string(), resolve(Export.Name, scopeAt(label))), value);
  }
  return { resources, outputs };
}

function readResources({ stackName, template }: AssemblyStack): Readonly<Record<string, RawResource>> {
  const all = read(stackName, "Resources", z.record(z.string(), z.record(z.string(), z.unknown())), template.Resources ?? {});
  return Object.fromEntries(
    Object.entries(all).map(([logicalId, resource]) => {
      const unknown = Object.keys(resource).find((attribute) => !RESOURCE_ATTRIBUTES.includes(attribute));
      if (unknown !== undefined) refuse(stackName, logicalId, `the local stack does not know the resource attribute ${unknown}`);
      return [logicalId, read(stackName, logicalId, resourceSchema, resource)];
    }),
  );
}

/** The defaults of the parameters: there is nobody to ask for other values. */
function readParameters({ stackName, template }: AssemblyStack): ReadonlyMap<string, string | number> {
  const values = new Map<string, string | number>();
  for (const [name, parameter] of Object.entries(read(stackName, "Parameters", z.record(z.string(), parameterSchema), template.Parameters ?? {}))) {
    const label = `parameter ${name}`;
    if (name !== BOOTSTRAP_PARAMETER && parameter.Type !== "String" && parameter.Type !== "Number") {
      refuse(stackName, label, `the local stack does not know the parameter type ${parameter.Type}`);
    }
    if (parameter.Default === undefined) refuse(stackName, label, "has no default, and nobody is asked for parameters locally");
    else values.set(name, parameter.Default);
  }
  return values;
}

function pseudoParameter(name: string, stackName: string, region: string): string | undefined {
  switch (name) {
    case "AWS::Region":
      return region;
    case "AWS::AccountId":
      return LOCAL_ACCOUNT;
    case "AWS::Partition":
      return "aws";
    case "AWS::URLSuffix":
      return "amazonaws.com";
    case "AWS::StackName":
      return stackName;
    case "AWS::StackId":
      return `arn:aws:cloudformation:${region}:${LOCAL_ACCOUNT}:stack/${stackName}/local`;
    default:
      return undefined;
  }
}

/** As CloudFormation: the stack's name and the logical id, cut to what the service allows; what is cut off goes into a hash. */
function generatedName(stackName: string, logicalId: string, limit = 128): string {
  const full = `${stackName}-${logicalId}`;
  return full.length <= limit ? full : `${full.slice(0, limit - 9)}-${createHash("sha256").update(full).digest("hex").slice(0, 8)}`;
}

function checkProperties(stackName: string, label: string, type: InterpretedType, properties: unknown): void {
  try {
    readProperties(type, properties);
  } catch (error) {
    if (!(error instanceof z.core.$ZodError)) throw error;
    const faults = error.issues.map((issue) => {
      const path = issue.path.join(".");
      if (issue.code !== "unrecognized_keys") return `property ${path}: ${issue.message}`;
      return issue.keys.map((key) => `the local stack does not know the property ${path === "" ? key : `${path}.${key}`}`).join("; ");
    });
    refuse(stackName, label, faults.join("; "));
  }
}

/** What a resource works with must be run here, too: a queue of somewhere else would swallow messages. */
function checkReferences(loaded: readonly LoadedResource[]): void {
  const known = new Set(loaded.flatMap(({ resource: { type, ref, arn } }) => [`${type} ${ref}`, `${type} ${arn}`]));
  for (const { resource, properties } of loaded) {
    for (const { property, type, value } of referencesOf(resource.type, properties)) {
      if (value === undefined || known.has(`${type} ${value}`)) continue;
      refuse(resource.stackName, `${resource.logicalId} (${resource.type})`, `${property} is ${value}, and there is no such ${type} in these stacks`);
    }
  }
}

function codeFolder(
  assemblyFolder: string,
  assembly: Assembly,
  loaded: readonly LoadedResource[],
  { stackName, logicalId, properties }: Resource<"AWS::Lambda::Function">,
) {
  const noted = loaded.find(({ resource }) => resource.stackName === stackName && resource.logicalId === logicalId)?.assetPath;
  if (noted !== undefined) return join(assemblyFolder, noted);
  const key = properties.Code.S3Key;
  return (
    assembly.assetFolders.get(key) ?? refuse(stackName, logicalId, `its code ${key} is not a folder of the cloud assembly: use Code.fromAsset with a folder`)
  );
}

function read<Schema extends z.ZodMiniType>(stackName: string, label: string, schema: Schema, value: unknown): z.infer<Schema> {
  const result = z.safeParse(schema, value);
  return result.success ? result.data : refuse(stackName, label, `cannot be read: ${z.prettifyError(result.error)}`);
}

function refuse(stackName: string, label: string | undefined, fault: string): never {
  throw new UnsupportedTemplate(
    `Stack ${stackName}${label === undefined ? "" : `, ${label}`}: ${fault}. Take it out of infra/, or teach local/cloud/ to do what AWS does with it (local/cloud/supported-resources.ts lists what is known)`,
  );
}
