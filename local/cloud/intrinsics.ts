import * as z from "zod/mini";

/** What the intrinsic functions of a template need to know. Every member throws when the template asks for something that is not there. */
export interface Scope {
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): string;
  importValue(exportName: string): unknown;
  /** Refuses the template. */
  refuse(fault: string): never;
}

/** What Ref of AWS::NoValue gives: the property is left out. */
export const NO_VALUE = undefined;

const pair = z.tuple([z.string(), z.unknown()]);
const reference = z.tuple([z.string(), z.string()]);
const texts = z.array(z.union([z.string(), z.number()]));

/** Resolves CloudFormation's intrinsic functions in a part of a template. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (typeof value === "string" && value.includes("{{resolve:")) return scope.refuse(`dynamic references such as ${value} are not resolved locally`);
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope)).filter((item) => item !== NO_VALUE);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const intrinsic = entries.find(([key]) => key === "Ref" || key.startsWith("Fn::"));
  if (intrinsic === undefined) {
    return Object.fromEntries(entries.map(([key, item]) => [key, resolve(item, scope)]).filter(([, item]) => item !== NO_VALUE));
  }
  if (entries.length > 1) return scope.refuse(`${intrinsic[0]} stands beside other keys`);
  return apply(intrinsic[0], intrinsic[1], scope);
}

function apply(name: string, argument: unknown, scope: Scope): unknown {
  const read = <Schema extends z.ZodMiniType>(schema: Schema, value: unknown): z.infer<Schema> => {
    const result = z.safeParse(schema, value);
    return result.success ? result.data : scope.refuse(`${name} has arguments that the local stack cannot read: ${JSON.stringify(argument)}`);
  };
  switch (name) {
    case "Ref":
      return scope.ref(read(z.string(), argument));
    case "Fn::GetAtt":
      return scope.getAtt(...read(reference, argument));
    case "Fn::ImportValue":
      return scope.importValue(read(z.string(), resolve(argument, scope)));
    case "Fn::Join": {
      const [separator, items] = read(pair, argument);
      return read(texts, resolve(items, scope)).join(separator);
    }
    case "Fn::Split": {
      const [separator, text] = read(pair, argument);
      return read(z.string(), resolve(text, scope)).split(separator);
    }
    case "Fn::Select": {
      const [index, items] = read(z.tuple([z.coerce.number(), z.unknown()]), argument);
      const list = read(z.array(z.unknown()), resolve(items, scope));
      return index in list ? list[index] : scope.refuse(`Fn::Select asks for number ${index} of ${list.length}`);
    }
    case "Fn::Sub": {
      const [text, variables] = typeof argument === "string" ? [argument, {}] : read(z.tuple([z.string(), z.record(z.string(), z.unknown())]), argument);
      return text.replace(/\$\{([^}]*)\}/g, (placeholder, inner: string) => {
        if (inner.startsWith("!")) return `\${${inner.slice(1)}}`;
        const dot = inner.indexOf(".");
        const resolved = Object.hasOwn(variables, inner)
          ? resolve(variables[inner], scope)
          : dot > 0
            ? scope.getAtt(inner.slice(0, dot), inner.slice(dot + 1))
            : scope.ref(inner);
        return typeof resolved === "string" || typeof resolved === "number" ? String(resolved) : scope.refuse(`${placeholder} in Fn::Sub is not a text`);
      });
    }
    default:
      return scope.refuse(`the local stack does not know the intrinsic function ${name}`);
  }
}
