// Prints, for each query of the file given, whether Grafana's grammar (npm @grafana/lezer-traceql) reads it without error.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [file, folder] = process.argv.slice(2)
const resolved = createRequire(folder + '/').resolve('@grafana/lezer-traceql')
const { parser } = await import(pathToFileURL(resolved))
for (const query of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
  let reads = true
  parser.parse(query).iterate({ enter: (node) => { if (node.type.isError) reads = false } })
  console.log(reads ? 'reads' : 'refuses', query)
}
