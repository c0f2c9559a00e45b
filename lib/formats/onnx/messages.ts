import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { DType } from '../../base/dtype.js'
import { VERSION } from '../../install/home.js'
import type { StoredTensor } from '../../tensor/bytes.js'
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxPort } from './graph.js'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.js'

/** The version of ONNX's operators that graphs are written with: that of ONNX 1.16, of 2024. */
export const OPSET = 21
/** The version of the format that came with it. */
const IR_VERSION = 10

const DATA_TYPES: Readonly<Record<DType, DataType>> = {
  float64: DataType.DOUBLE,
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int16: DataType.INT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
}

/** A model but for its graph. */
export function encodeModel(): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'torch-prune',
    producerVersion: VERSION,
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
  })
  return toBinary(ModelProtoSchema, model)
}

/** A graph but for its initializers. */
export function encodeGraph({ name, nodes, inputs, outputs }: OnnxGraph): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name,
    node: nodes.map(nodeOf),
    input: inputs.map(portOf),
    output: outputs.map(portOf),
  })
  return toBinary(GraphProtoSchema, graph)
}

/** A tensor but for its bytes. */
export function encodeTensor(name: string, { dtype, shape }: StoredTensor): Uint8Array {
  const tensor = create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: DATA_TYPES[dtype] })
  return toBinary(TensorProtoSchema, tensor)
}

function nodeOf({ name, operator, inputs, output, attributes }: OnnxNode) {
  return {
    name,
    opType: operator,
    input: [...inputs],
    output: [output],
    attribute: Object.entries(attributes).map(attributeOf),
  } satisfies MessageInitShape<typeof NodeProtoSchema>
}

function attributeOf([name, value]: [name: string, value: OnnxAttribute]): MessageInitShape<
  typeof AttributeProtoSchema
> {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(value) }
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float }
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
}

function portOf({ name, shape }: OnnxPort): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'string'
        ? { case: 'dimParam' as const, value: size }
        : { case: 'dimValue' as const, value: BigInt(size) },
  }))
  const value = { elemType: DATA_TYPES.float32, shape: { dim } }
  return { name, type: { value: { case: 'tensorType', value } } }
}
