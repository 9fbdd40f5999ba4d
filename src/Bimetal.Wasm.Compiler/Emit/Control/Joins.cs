// Where paths join: the values that each brings, and the phis made of them. A loop's head joins values that are not known when it is
// written, and a phi may turn out to be needed by nothing but other phis; so phis are written at the end, and only those that an
// instruction uses in the end.

using System.Text;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>A branch to a join, with the values that it brings: those on the stack, then those of locals.</summary>
internal readonly record struct Incoming(string FromBlock, Value[] Values);

/// <summary>The joins of one function.</summary>
internal sealed class Joins(FunctionBuilder function)
{
    private readonly List<Phi> _phis = [];

    /// <summary>Makes a phi at the start of the block at hand of one value of each branch, known now or later.</summary>
    public Value Define(ValueType type, IReadOnlyList<Incoming> branches, int column)
    {
        _phis.Add(new Phi(type, branches, column, function.Body.Length));
        return Value.Phi(type, _phis.Count - 1);
    }

    /// <summary>The value that all branches bring, if it is one; otherwise a phi.</summary>
    public Value Join(ValueType type, IReadOnlyList<Incoming> branches, int column)
    {
        var first = branches[0].Values[column];
        for (int i = 1; i < branches.Count; i++)
        {
            if (!branches[i].Values[column].IsSame(first)) return Define(type, branches, column);
        }

        return first;
    }

    /// <summary>Notes that an instruction uses a value.</summary>
    public void Use(Value value)
    {
        if (value.PhiNumber >= 0) _phis[(int)value.PhiNumber].IsUsed = true;
    }

    /// <summary>Appends the body with its phis to <paramref name="text"/>.</summary>
    public void AppendBody(StringBuilder text)
    {
        FollowUses();
        int from = 0;
        for (int number = 0; number < _phis.Count; number++)
        {
            var phi = _phis[number];
            if (!phi.IsUsed) continue;
            text.Append(function.Body, from, phi.Position - from);
            from = phi.Position;
            Append(text, phi, number);
        }

        text.Append(function.Body, from, function.Body.Length - from);
    }

    private void FollowUses()
    {
        var pending = new Stack<Phi>(_phis.Where(phi => phi.IsUsed));
        while (pending.TryPop(out var phi))
        {
            foreach (var branch in phi.Branches)
            {
                long number = branch.Values[phi.Column].PhiNumber;
                if (number < 0 || _phis[(int)number].IsUsed) continue;
                _phis[(int)number].IsUsed = true;
                pending.Push(_phis[(int)number]);
            }
        }
    }

    private void Append(StringBuilder text, Phi phi, int number)
    {
        int before = text.Length;
        text.Append("  ").Append($"{Value.Phi(phi.Type, number)}").Append(" = phi ").Append(LlvmTypes.Of(phi.Type));
        string separator = " ";
        foreach (var branch in phi.Branches)
        {
            text.Append(separator).Append("[ ").Append($"{branch.Values[phi.Column]}").Append(", %").Append(branch.FromBlock).Append(" ]");
            separator = ", ";
        }

        text.Append('\n');
        function.Module.Budget.Spend(text.Length - before);
    }

    private sealed class Phi(ValueType type, IReadOnlyList<Incoming> branches, int column, int position)
    {
        public ValueType Type => type;

        public IReadOnlyList<Incoming> Branches => branches;

        public int Column => column;

        /// <summary>Where in the body it goes.</summary>
        public int Position => position;

        public bool IsUsed { get; set; }
    }
}
