/** The templates ask for something that the local stack does not do. Thrown at the start, so that local and deployed never drift apart in silence. */
export class UnsupportedTemplate extends Error {
  override name = "UnsupportedTemplate";
}
