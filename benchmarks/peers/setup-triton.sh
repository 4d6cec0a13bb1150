#!/bin/sh
# Makes .venv-triton: NVIDIA's Triton server from the `nvidia-pytriton` wheel, with Triton's newest client, in a virtual
# environment of its own, since both want older versions than ours. About 450 MB. Linux on x86-64 with glibc 2.35.
#
#   benchmarks/peers/setup-triton.sh [PYTHON]        # default: python3.11; 3.8 to 3.13 have a stub in the wheel
#   .venv-triton/bin/tritonserver --model-repository REPOSITORY --model-control-mode=explicit --load-model=NAME_python
set -eu

python=${1:-python3.11}
cd "$(dirname "$0")/../.."
venv=$PWD/.venv-triton

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
  nvidia-pytriton==0.7.0 onnxruntime==1.31.1 'numpy<2' 'tritonclient[grpc]==2.73.0'

version=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# The stub embeds Python: its shared library may lie outside the loader's path.
library=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
server=$packages/pytriton/tritonserver

# The wheel has one stub for each version of Python; the backend looks for the right one beside itself.
cp "$server/python_backend_stubs/$version/triton_python_backend_stub" "$server/backends/python/"
chmod +x "$server/backends/python/triton_python_backend_stub"

# The embedded Python reads no PYTHONPATH; it is the one that is first on the PATH, and so are its packages.
cat > "$venv/bin/tritonserver" <<EOF
#!/bin/sh
export LD_LIBRARY_PATH="$library\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export PATH="$venv/bin:\$PATH"
exec "$server/bin/tritonserver" --backend-directory="$server/backends" "\$@"
EOF
chmod +x "$venv/bin/tritonserver"
echo "Ready: $venv/bin/tritonserver"
