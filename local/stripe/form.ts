/** The parameters of a request to Stripe: `metadata[stage]=dev` is a form within the form, and so is the list `types[0]=card` or `types[]=card`. */
export interface Form {
  [name: string]: string | Form;
}

/** Reads a query or a body of type `application/x-www-form-urlencoded`. */
export function parseForm(text: string): Form {
  const form = emptyForm();
  for (const [key, value] of new URLSearchParams(text)) {
    const [first = "", ...rest] = key.replaceAll("]", "").split("[");
    let inner = form;
    let name = first;
    for (const next of rest) {
      inner = formWithin(inner, name);
      name = next === "" ? String(Object.keys(inner).length) : next;
    }
    inner[name] = value;
  }
  return form;
}

function formWithin(outer: Form, name: string): Form {
  const known = outer[name];
  const inner = typeof known === "object" ? known : emptyForm();
  outer[name] = inner;
  return inner;
}

/** Without a prototype, as the names come from outside. */
function emptyForm(): Form {
  return Object.create(null);
}
