// Starting reads code and data that serving does not need. What it touched of the program's file is let go of once; the kernel maps again what is used, from memory.

using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Operation;

internal static partial class StartupPages
{
    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_forget_startup")]
    public static partial void Forget();
}
