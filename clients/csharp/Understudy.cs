// Bots that an Understudy server plays, for .NET, Mono and Unity: one file over the C library (libunderstudy).
//
//     using (var client = new UnderstudyClient("127.0.0.1:50051"))
//     using (var stream = client.Open("rusher", new OpenOptions { PatienceMs = 50 }))
//     {
//         stream.Spawn(7, 1234);
//         stream.Set(0, 7);                             // row 0 is bot 7
//         stream.Write(0, "rays", readings);            // float[]
//         Late late = stream.Tick(1);                   // one row decides
//         float turn = stream.ReadSingle(0, "turn");
//     }
//
// A failed call throws UnderstudyException with one sentence; a server that goes away does not: the tick then gives
// fallbacks and Late.Gone. A stream belongs to one thread at a time (understudy.h has the rules). A tick makes no
// garbage.
// Needs C# 6 and no unsafe code.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace Understudy
{
    public enum Fallback { Repeat = 0, Nothing = 1 }

    public enum Late { No = 0, Budget = 1, Overload = 2, Client = 3, Gone = 4, Waiting = 100 }

    public enum Dtype { Float32, Float64, Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Bool }

    public enum Kind { Box, Discrete, MultiBinary }

    public sealed class UnderstudyException : Exception
    {
        public UnderstudyException(string sentence) : base(sentence) { }
    }

    /// <summary>How to open a stream; understudy.h describes each. Zero and null are the defaults.</summary>
    public sealed class OpenOptions
    {
        public string SpecJson, Resume;
        public Fallback Fallback;
        public uint BudgetUs, PatienceMs, OpenTimeoutMs, MaxInFlight, SpinUs;
        public uint MaxBots = 256;
    }

    /// <summary>One sensor or action part: where it lies in a bot's row.</summary>
    public sealed class Field
    {
        public readonly string Name, Units;
        public readonly Kind Kind;
        public readonly Dtype Dtype;
        public readonly int[] Shape;
        public readonly int Count, Bytes, Offset, Choices;
        public readonly string[] Labels;

        internal Field(Native.Field form)
        {
            Name = Native.Text(form.name);
            Units = Native.Text(form.units);
            Kind = (Kind)form.kind;
            Dtype = (Dtype)form.dtype;
            Shape = new int[form.rank];
            for (int axis = 0; axis < Shape.Length; ++axis) Shape[axis] = (int)form.shape[axis];
            Count = (int)form.count;
            Bytes = (int)form.bytes;
            Offset = (int)form.offset;
            Choices = (int)form.choices;
            int words = form.labels == IntPtr.Zero ? 0 : form.kind == (int)Kind.Box ? Count : Choices;
            Labels = Native.Texts(form.labels, words);
        }
    }

    /// <summary>The rays of a sensor that is a ray fan; angles in degrees, positive to the right.</summary>
    public sealed class Rays
    {
        public readonly double[] Angles;
        public readonly double Reach;
        public readonly string[] Types;

        internal Rays(Native.Rays form)
        {
            Angles = new double[form.count];
            Marshal.Copy(form.angles, Angles, 0, Angles.Length);
            Reach = form.reach;
            Types = Native.Texts(form.types, (int)form.num_types);
        }
    }

    /// <summary>A connection; may be used by many threads.</summary>
    public sealed class UnderstudyClient : IDisposable
    {
        IntPtr handle;

        /// <summary>Name a server, host:port. Does not wait for it. `token` for one that asks for it.</summary>
        public UnderstudyClient(string address, string token = null, string rootPem = null)
        {
            if (Native.us_abi_version() != Native.AbiVersion)
                throw new UnderstudyException("libunderstudy has another ABI version than this file; update one.");
            using (var memory = new Native.Memory())
            {
                var form = new Native.ConnectOptions { token = memory.Keep(token), root_pem = memory.Keep(rootPem) };
                form.size = (UIntPtr)Marshal.SizeOf(form);
                handle = Native.Require(Native.us_connect(Native.Utf8(address), ref form));
            }
        }

        /// <summary>Open a bundle ("" if the server plays just one). Waits for the server.</summary>
        public BotStream Open(string bundle = "", OpenOptions options = null)
        {
            options = options ?? new OpenOptions();
            using (var memory = new Native.Memory())
            {
                var form = new Native.OpenOptions
                {
                    spec_json = memory.Keep(options.SpecJson), resume = memory.Keep(options.Resume),
                    fallback = (int)options.Fallback, budget_us = options.BudgetUs, patience_ms = options.PatienceMs,
                    open_timeout_ms = options.OpenTimeoutMs, max_bots = options.MaxBots,
                    max_in_flight = options.MaxInFlight, spin_us = options.SpinUs,
                };
                form.size = (UIntPtr)Marshal.SizeOf(form);
                IntPtr opened = Native.us_open(handle, Native.Utf8(bundle), ref form);
                return new BotStream(Native.Require(opened), options.MaxBots);
            }
        }

        public void Dispose()
        {
            Native.us_disconnect(handle);
            handle = IntPtr.Zero;
        }
    }

    /// <summary>The bots of one bundle, and rows for what they see and do. Rows and bots count from 0.</summary>
    public sealed class BotStream : IDisposable
    {
        public readonly Field[] Sensors, Actions;
        public readonly string Bundle, Lease;
        public readonly double DecisionHz;
        /// <summary>Why the server is gone, after Late.Gone.</summary>
        public string WhyGone { get; private set; }

        IntPtr handle;
        readonly uint[] bots;
        readonly byte[] observations, actions;
        readonly int observationBytes, actionBytes;
        readonly Dictionary<string, Field> sensorsByName = new Dictionary<string, Field>();
        readonly Dictionary<string, Field> actionsByName = new Dictionary<string, Field>();
        static readonly int lateAt = (int)Marshal.OffsetOf(typeof(Native.Answer), "late");
        static readonly int countAt = (int)Marshal.OffsetOf(typeof(Native.Answer), "count");
        static readonly int actionsAt = (int)Marshal.OffsetOf(typeof(Native.Answer), "actions");

        internal BotStream(IntPtr opened, uint maxBots)
        {
            handle = opened;
            Bundle = Native.Text(Native.us_bundle(handle));
            Lease = Native.Text(Native.us_lease(handle));
            DecisionHz = Native.us_decision_hz(handle);
            Sensors = Fields(Native.us_num_sensors(handle), Native.us_sensor, sensorsByName);
            Actions = Fields(Native.us_num_actions(handle), Native.us_action, actionsByName);
            observationBytes = (int)Native.us_observation_bytes(handle);
            actionBytes = (int)Native.us_action_bytes(handle);
            bots = new uint[maxBots];
            observations = new byte[maxBots * observationBytes];
            actions = new byte[maxBots * actionBytes];
        }

        /// <summary>The rays of a sensor; null if it is no ray fan.</summary>
        public Rays RaysOf(string sensor)
        {
            uint index = (uint)Array.IndexOf(Sensors, sensorsByName[sensor]);
            IntPtr found = Native.us_sensor_rays(handle, index);
            if (found == IntPtr.Zero) return null;
            return new Rays((Native.Rays)Marshal.PtrToStructure(found, typeof(Native.Rays)));
        }

        /// <summary>Start a bot afresh with the next tick.</summary>
        public void Spawn(uint bot, ulong seed) { Check(Native.us_spawn(handle, bot, seed, IntPtr.Zero)); }

        /// <summary>End a bot with the next tick.</summary>
        public void Despawn(uint bot) { Check(Native.us_despawn(handle, bot)); }

        /// <summary>Say that a row is of a bot.</summary>
        public void Set(int row, uint bot) { bots[row] = bot; }

        /// <summary>Write a float32 sensor's numbers.</summary>
        public void Write(int row, string sensor, float[] numbers) { Copy(row, sensorsByName[sensor], numbers); }

        /// <summary>Write a uint8 sensor's numbers, such as a picture.</summary>
        public void Write(int row, string sensor, byte[] numbers) { Copy(row, sensorsByName[sensor], numbers); }

        /// <summary>Let the first `count` rows decide once, and wait for it.</summary>
        public Late Tick(int count)
        {
            IntPtr answer;
            return Take(Native.us_tick(handle, bots, (uint)count, observations, out answer), answer);
        }

        /// <summary>Send a tick without waiting; false if too many are under way.</summary>
        public bool Submit(int count)
        {
            int status = Native.us_submit(handle, bots, (uint)count, observations, IntPtr.Zero);
            if (status != Native.Wait) Check(status);
            return status == Native.Ok;
        }

        /// <summary>Take the answer to the oldest submitted tick; Late.Waiting if it is not there yet.</summary>
        public Late Poll()
        {
            IntPtr answer;
            return Take(Native.us_poll(handle, out answer), answer);
        }

        /// <summary>A number of a Box part, after a tick.</summary>
        public float ReadSingle(int row, string part, int index = 0)
        {
            return BitConverter.ToSingle(actions, At(row, actionsByName[part], actionBytes) + 4 * index);
        }

        /// <summary>The choice of a Discrete part, after a tick.</summary>
        public long ReadChoice(int row, string part)
        {
            return BitConverter.ToInt64(actions, At(row, actionsByName[part], actionBytes));
        }

        /// <summary>Whether a button of a MultiBinary part is held, after a tick.</summary>
        public bool ReadButton(int row, string part, int index)
        {
            return actions[At(row, actionsByName[part], actionBytes) + index] != 0;
        }

        public void Dispose()
        {
            Native.us_close(handle);
            handle = IntPtr.Zero;
        }

        void Copy(int row, Field field, Array numbers)
        {
            Buffer.BlockCopy(numbers, 0, observations, At(row, field, observationBytes), field.Bytes);
        }

        Late Take(int status, IntPtr answer)
        {
            if (status == Native.Wait) return Late.Waiting;
            if (status == Native.Gone) WhyGone = Native.Text(Native.us_last_error());
            else Check(status);
            int size = Marshal.ReadInt32(answer, countAt) * actionBytes;
            Marshal.Copy(Marshal.ReadIntPtr(answer, actionsAt), actions, 0, size);
            return (Late)Marshal.ReadInt32(answer, lateAt);
        }

        static int At(int row, Field field, int rowBytes) { return row * rowBytes + field.Offset; }

        static void Check(int status)
        {
            if (status != Native.Ok) throw new UnderstudyException(Native.Text(Native.us_last_error()));
        }

        Field[] Fields(uint count, Func<IntPtr, uint, IntPtr> get, Dictionary<string, Field> byName)
        {
            var fields = new Field[count];
            for (uint index = 0; index < count; ++index)
            {
                var form = (Native.Field)Marshal.PtrToStructure(get(handle, index), typeof(Native.Field));
                byName[(fields[index] = new Field(form)).Name] = fields[index];
            }
            return fields;
        }
    }

    /// <summary>The C ABI, as understudy.h declares it.</summary>
    static class Native
    {
        const string Library = "understudy"; // libunderstudy.so, understudy.dll
        internal const int AbiVersion = 1, Ok = 0, Wait = 1, Gone = -2;

        [StructLayout(LayoutKind.Sequential)]
        internal struct Field
        {
            public IntPtr name, units;
            public int kind, dtype;
            public uint rank;
            [MarshalAs(UnmanagedType.ByValArray, SizeConst = 8)] public uint[] shape;
            public uint count, bytes, offset, choices;
            public IntPtr labels, computed_json;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Rays
        {
            public uint count, num_types;
            public IntPtr angles;
            public double reach;
            public IntPtr types;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct ConnectOptions
        {
            public UIntPtr size;
            public IntPtr token, root_pem, cert_pem, key_pem, server_name;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct OpenOptions
        {
            public UIntPtr size;
            public IntPtr spec_json, resume;
            public int fallback;
            public uint budget_us, patience_ms, open_timeout_ms, max_bots, max_in_flight, spin_us;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Answer
        {
            public ulong tick;
            public int late;
            public uint count;
            public IntPtr bots, actions;
            public uint num_saved;
            public IntPtr saved;
        }

        [DllImport(Library)] internal static extern int us_abi_version();
        [DllImport(Library)] internal static extern IntPtr us_last_error();
        [DllImport(Library)] internal static extern IntPtr us_connect(byte[] address, ref ConnectOptions options);
        [DllImport(Library)] internal static extern void us_disconnect(IntPtr client);
        [DllImport(Library)]
        internal static extern IntPtr us_open(IntPtr client, byte[] bundle, ref OpenOptions options);
        [DllImport(Library)] internal static extern void us_close(IntPtr stream);
        [DllImport(Library)] internal static extern IntPtr us_bundle(IntPtr stream);
        [DllImport(Library)] internal static extern IntPtr us_lease(IntPtr stream);
        [DllImport(Library)] internal static extern double us_decision_hz(IntPtr stream);
        [DllImport(Library)] internal static extern uint us_num_sensors(IntPtr stream);
        [DllImport(Library)] internal static extern uint us_num_actions(IntPtr stream);
        [DllImport(Library)] internal static extern IntPtr us_sensor(IntPtr stream, uint index);
        [DllImport(Library)] internal static extern IntPtr us_action(IntPtr stream, uint index);
        [DllImport(Library)] internal static extern IntPtr us_sensor_rays(IntPtr stream, uint index);
        [DllImport(Library)] internal static extern uint us_observation_bytes(IntPtr stream);
        [DllImport(Library)] internal static extern uint us_action_bytes(IntPtr stream);
        [DllImport(Library)] internal static extern int us_spawn(IntPtr stream, uint bot, ulong seed, IntPtr style);
        [DllImport(Library)] internal static extern int us_despawn(IntPtr stream, uint bot);
        [DllImport(Library)]
        internal static extern int us_submit(IntPtr stream, uint[] bots, uint count, byte[] observations, IntPtr tick);
        [DllImport(Library)] internal static extern int us_poll(IntPtr stream, out IntPtr answer);
        [DllImport(Library)]
        internal static extern int us_tick(
            IntPtr stream, uint[] bots, uint count, byte[] observations, out IntPtr answer);

        internal static IntPtr Require(IntPtr handle)
        {
            if (handle == IntPtr.Zero) throw new UnderstudyException(Text(us_last_error()));
            return handle;
        }

        internal static byte[] Utf8(string text) { return Encoding.UTF8.GetBytes(text + "\0"); }

        internal static string Text(IntPtr utf8)
        {
            int length = 0;
            while (Marshal.ReadByte(utf8, length) != 0) ++length;
            var bytes = new byte[length];
            Marshal.Copy(utf8, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }

        internal static string[] Texts(IntPtr list, int count)
        {
            var texts = new string[count];
            for (int index = 0; index < count; ++index)
                texts[index] = Text(Marshal.ReadIntPtr(list, index * IntPtr.Size));
            return texts;
        }

        /// <summary>Strings that a C call reads, freed when it is over.</summary>
        internal sealed class Memory : IDisposable
        {
            readonly List<IntPtr> kept = new List<IntPtr>();

            internal IntPtr Keep(string text)
            {
                if (text == null) return IntPtr.Zero;
                byte[] bytes = Utf8(text);
                IntPtr memory = Marshal.AllocHGlobal(bytes.Length);
                Marshal.Copy(bytes, 0, memory, bytes.Length);
                kept.Add(memory);
                return memory;
            }

            public void Dispose() { foreach (IntPtr each in kept) Marshal.FreeHGlobal(each); }
        }
    }
}
