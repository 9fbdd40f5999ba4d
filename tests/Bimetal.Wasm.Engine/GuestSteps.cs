// Steps of a conversation with a guest, a line of words each; RealModules/run.cjs takes the same ones in V8.
//   call EXPORT WORD…    write ADDRESS HEX    load ADDRESS    read ADDRESS LENGTH
// A word is a number, an i64 with an n behind it, or the result of an earlier step: $0, $0+4.

using System.Buffers.Binary;
using System.Globalization;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Tests;

internal sealed class GuestSteps(Instance instance)
{
    private readonly List<long> _results = [];

    /// <summary>Takes all steps; what each gave.</summary>
    public string[] Take(string steps) => [.. steps.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(TakeStep)];

    private string TakeStep(string step)
    {
        string[] words = step.Split(' ');
        string shown = words[0] switch
        {
            "call" => Call(words[1], words[2..]),
            "write" => Write(words[1], words[2]),
            "load" => $"{BinaryPrimitives.ReadInt32LittleEndian(Slice(words[1], 4))}",
            _ => Convert.ToHexStringLower(Slice(words[1], (uint)Number(words[2]))),
        };
        _results.Add(words[0] == "read" ? 0 : long.Parse(shown, CultureInfo.InvariantCulture));
        return shown;
    }

    private string Call(string export, string[] words)
    {
        Assert.True(instance.TryGetFunction(export, out var function), export);
        ulong[] buffer = new ulong[Math.Max(1, function.BufferSlotCount)];
        for (int index = 0; index < words.Length; index++)
            buffer[index] = function.Type.Parameters[index] == ValueType.I32 ? (uint)Number(words[index]) : (ulong)Number(words[index]);
        Assert.Equal(TrapCode.None, instance.Call(function, buffer, CallLimits.None));
        if (function.Type.Results.IsEmpty) return "0";
        return function.Type.Results[0] == ValueType.I32 ? $"{(int)buffer[0]}" : $"{(long)buffer[0]}";
    }

    private string Write(string address, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        bytes.CopyTo(Slice(address, (uint)bytes.Length));
        return "0";
    }

    private Span<byte> Slice(string address, uint length)
    {
        var memory = instance.LoadedModule.Module.Exports.First(export => export.Kind == Modules.ExternalKind.Memory);
        Assert.True(instance.TryGetMemory(memory.Name, out var guestMemory) && guestMemory.TrySlice((uint)Number(address), length, out _), address);
        guestMemory.TrySlice((uint)Number(address), length, out var span);
        return span;
    }

    private long Number(string word)
    {
        if (!word.StartsWith('$')) return long.Parse(word.TrimEnd('n'), CultureInfo.InvariantCulture);
        string[] parts = word[1..].Split('+');
        return _results[int.Parse(parts[0], CultureInfo.InvariantCulture)] + (parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
    }
}
