// Bots of a served bundle in a corridor with two baffles, without an engine: what a game's own loop would do.
//
//     mcs Understudy.cs example/Corridor.cs -out:corridor.exe && mono corridor.exe 127.0.0.1:50051 [--blind]
//
// Prints "tick bot x y heading late" for each bot. libunderstudy must be where the runtime looks (LD_LIBRARY_PATH).
using System;
using System.Globalization;
using Understudy;

static class Corridor
{
    const int NumBots = 3, NumTicks = 100;

    static readonly double[][] Walls =
    {
        new double[] { 0, -4, 24, -4 }, new double[] { 0, 4, 24, 4 }, new double[] { 0, -4, 0, 4 },
        new double[] { 24, -4, 24, 4 }, new double[] { 8, -4, 8, 1 }, new double[] { 16, -1, 16, 4 },
    };

    sealed class Walker
    {
        public double X, Y, Heading;

        public void Sense(Rays rays, bool blind, float[] reading)
        {
            for (int ray = 0; ray < rays.Angles.Length; ++ray)
            {
                double distance = blind ? rays.Reach : Cast(X, Y, Heading - rays.Angles[ray], rays.Reach);
                reading[2 * ray] = (float)distance;
                reading[2 * ray + 1] = distance < rays.Reach ? 1 : 0;
            }
        }

        public void Act(double turn, long pace)
        {
            Heading -= turn;
            double step = 0.25 * pace, direction = Heading * Math.PI / 180;
            if (Cast(X, Y, Heading, 2) < step + 0.3) return;
            X += step * Math.Cos(direction);
            Y += step * Math.Sin(direction);
        }
    }

    static double Cast(double x, double y, double degrees, double reach)
    {
        double dx = Math.Cos(degrees * Math.PI / 180), dy = Math.Sin(degrees * Math.PI / 180);
        foreach (double[] wall in Walls)
        {
            double ex = wall[2] - wall[0], ey = wall[3] - wall[1], cross = dx * ey - dy * ex;
            if (Math.Abs(cross) < 1e-9) continue;
            double alongRay = ((wall[0] - x) * ey - (wall[1] - y) * ex) / cross;
            double alongWall = ((wall[0] - x) * dy - (wall[1] - y) * dx) / cross;
            if (alongRay >= 0 && alongRay < reach && alongWall >= 0 && alongWall <= 1) reach = alongRay;
        }
        return reach;
    }

    static void Play(BotStream stream, bool blind)
    {
        Rays rays = stream.RaysOf("rays");
        var reading = new float[2 * rays.Angles.Length];
        var walkers = new Walker[NumBots];
        for (int row = 0; row < NumBots; ++row)
        {
            walkers[row] = new Walker { X = 1, Y = -2.5 + 2.0 * row / NumBots };
            stream.Spawn((uint)row, (ulong)row);
            stream.Set(row, (uint)row);
        }
        for (int tick = 0; tick < NumTicks; ++tick)
        {
            for (int row = 0; row < NumBots; ++row)
            {
                walkers[row].Sense(rays, blind, reading);
                stream.Write(row, "rays", reading);
            }
            Late late = stream.Tick(NumBots);
            for (int row = 0; row < NumBots; ++row)
            {
                Walker walker = walkers[row];
                walker.Act(stream.ReadSingle(row, "turn"), stream.ReadChoice(row, "pace"));
                Console.WriteLine(string.Format(CultureInfo.InvariantCulture, "{0} {1} {2:F4} {3:F4} {4:F3} {5}",
                    tick, row, walker.X, walker.Y, walker.Heading, (int)late));
            }
        }
    }

    static int Main(string[] arguments)
    {
        try
        {
            using (var client = new UnderstudyClient(arguments.Length > 0 ? arguments[0] : "127.0.0.1:50051"))
            using (var stream = client.Open("", new OpenOptions { MaxBots = NumBots }))
                Play(stream, Array.IndexOf(arguments, "--blind") >= 0);
            return 0;
        }
        catch (UnderstudyException error)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }
}
