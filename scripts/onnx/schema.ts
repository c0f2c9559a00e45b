// Writes lib/formats/onnx/onnx_pb.ts from ONNX's own onnx.proto: of its messages and their fields, those that this
// library writes. `npx tsx scripts/onnx/schema.ts ONNX.PROTO`; the Python package onnx holds that file.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The fields that are written, by message; nested messages are named by their path. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  ModelProto: ['ir_version', 'producer_name', 'producer_version', 'graph', 'opset_import'],
  OperatorSetIdProto: ['domain', 'version'],
  GraphProto: ['node', 'name', 'initializer', 'input', 'output'],
  NodeProto: ['input', 'output', 'name', 'op_type', 'attribute'],
  AttributeProto: ['name', 'type', 'f', 'i', 's', 'ints'],
  TensorProto: ['dims', 'data_type', 'name', 'raw_data'],
  ValueInfoProto: ['name', 'type'],
  TypeProto: ['tensor_type'],
  'TypeProto.Tensor': ['elem_type', 'shape'],
  TensorShapeProto: ['dim'],
  'TensorShapeProto.Dimension': ['dim_value', 'dim_param'],
}

/** The values of enums that are written. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'AttributeProto.AttributeType': ['FLOAT', 'INT', 'STRING', 'INTS'],
  'TensorProto.DataType': 'FLOAT UINT8 INT8 INT16 INT32 INT64 BOOL FLOAT16 DOUBLE BFLOAT16'.split(' '),
}

interface Named {
  readonly name: string
}

/** A message of a file descriptor, as far as it is looked at here. */
interface Message extends Named {
  readonly field?: readonly Named[]
  readonly nestedType?: readonly Message[]
  readonly enumType?: readonly (Named & { readonly value: readonly Named[] })[]
}

function kept(message: Message, path = message.name): Message[] {
  const names = FIELDS[path]
  if (names === undefined) return []
  const inside = ({ name }: Named) => `${path}.${name}`
  return [
    {
      ...message,
      field: only(names, message.field, path),
      nestedType: message.nestedType?.flatMap((inner) => kept(inner, inside(inner))) ?? [],
      enumType:
        message.enumType?.flatMap((type) => {
          const values = VALUES[inside(type)]
          return values ? [{ ...type, value: only(values, type.value, inside(type)) }] : []
        }) ?? [],
    },
  ]
}

function only<T extends Named>(names: readonly string[], all: readonly T[] = [], path: string): T[] {
  return names.map((name) => {
    const found = all.find((each) => each.name === name)
    if (found === undefined) throw new Error(`onnx.proto: ${path} has no ${name}`)
    return found
  })
}

const [proto] = process.argv.slice(2)
if (proto === undefined) throw new Error('usage: npx tsx scripts/onnx/schema.ts ONNX.PROTO')
const folder = mkdtempSync(join(tmpdir(), 'torch-prune-onnx-'))
const tools = ['@bufbuild/buf', '@bufbuild/protoc-gen-es', '@bufbuild/protobuf']
const buf = (...args: string[]) => {
  const packages = tools.map((name) => `--package=${name}`)
  const { status } = spawnSync('npx', ['--yes', ...packages, 'buf', ...args], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`buf ${args[0]} failed`)
}
try {
  copyFileSync(resolve(proto), join(folder, 'onnx.proto'))
  buf('build', '--exclude-source-info', '-o', 'onnx.json')
  const image = JSON.parse(readFileSync(join(folder, 'onnx.json'), 'utf8'))
  for (const file of image.file) {
    file.messageType = file.messageType.flatMap((message: Message) => kept(message))
    file.enumType = []
  }
  writeFileSync(join(folder, 'onnx.json'), JSON.stringify(image))
  const out = new URL('../../lib/formats/onnx', import.meta.url).pathname
  const plugins = [{ local: 'protoc-gen-es', out, opt: ['target=ts', 'import_extension=js'] }]
  buf('generate', 'onnx.json', '--template', JSON.stringify({ version: 'v2', plugins }))
  const written = join(out, 'onnx_pb.ts')
  const origin =
    '// Long: written by scripts/onnx/schema.ts from the onnx.proto of ONNX (Apache License 2.0).\n'
  writeFileSync(written, origin + readFileSync(written, 'utf8'))
  spawnSync('npx', ['biome', 'check', '--write', written], { stdio: 'inherit' })
} finally {
  rmSync(folder, { recursive: true })
}
