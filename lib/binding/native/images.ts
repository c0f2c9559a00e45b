import type { DatasetHandle, FilesHandle, TensorHandle } from './handles.js'
import type { JobProgress, NativeJob } from './job.js'

/** Settings of datasets of images outside memory. */
export interface ImageSettings {
  readonly size: number
  readonly resize: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly threads: number
  readonly ahead: number
  readonly exact: boolean
  /** The number of bytes that decoding one image may take. */
  readonly decodeMemory?: number
}

/** Images in files, and in packed files. */
export interface ImageFunctions {
  filesMake(): FilesHandle
  /** Appends files; `paths` are bytes, each path followed by a zero byte. */
  filesAdd(files: FilesHandle, paths: Uint8Array, labels: Int32Array): void
  imageFolderMake(files: FilesHandle, options: ImageSettings): DatasetHandle
  packedMake(
    path: string,
    layout: { index: number; count: number; classes: number },
    options: ImageSettings,
  ): DatasetHandle
  packStart(
    files: FilesHandle,
    options: { out: string; offset: number; resize: number; threads: number; decodeMemory?: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ index: number; end: number; count: number; skipped: [index: number, reason: string][] }>
  /** Decodes files of exactly that size to uint8 `[N, 3, height, width]`. */
  imagesDecode(
    files: FilesHandle,
    options: { width: number; height: number; threads: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ pixels: TensorHandle; skipped: [index: number, reason: string][] }>

  /** Whether JPEG is decoded with libjpeg-turbo; otherwise sharp decodes it. */
  jpegLibrary(): boolean
  /** Sets the function that decodes other formats; it answers through `foreignDecoded`. */
  setForeignDecoder(decode: (id: number, path: Uint8Array, memory: number) => void): void
  foreignDecoded(id: number, pixels: Uint8Array, width: number, height: number, channels: number): void
  foreignDecoded(id: number, reason: string): void
}
