/** A page with fresh text between its `<!-- generated:name -->` and `<!-- /generated -->` markers. Throws on a name that nobody makes. */
export function refresh(page: string, make: Readonly<Record<string, () => string>>): string {
  return page.replaceAll(/(<!-- generated:(\w+) -->\n)[\s\S]*?(<!-- \/generated -->)/g, (_, open: string, name: string, close: string) => {
    const text = make[name]?.();
    if (text === undefined) throw new TypeError(`Nothing is generated under the name ${name}.`);
    return `${open}\n${text}\n\n${close}`;
  });
}
