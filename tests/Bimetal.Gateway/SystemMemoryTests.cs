// What plugin_memory is by default: half of what the cgroup or the machine leaves to the process.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class SystemMemoryTests
{
    [Fact]
    public void Cgroup_TheLeastLimitOnTheWayUp_Counts()
    {
        using var root = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(root.Path, "pods/mine"));
        root.Write("memory.max", "max\n");
        root.Write("pods/memory.max", "1073741824\n");
        root.Write("pods/mine/memory.max", "max\n");
        Assert.Equal(1L << 30, CgroupMemory.LimitBelow(root.Path, "0::/pods/mine\n"));
        root.Write("pods/mine/memory.max", "268435456\n");
        Assert.Equal(256L << 20, CgroupMemory.LimitBelow(root.Path, "1:name=systemd:/x\n0::/pods/mine\n"));
        Assert.Equal(long.MaxValue, CgroupMemory.LimitBelow(root.Path, "") ?? long.MaxValue);
        Assert.Equal(long.MaxValue, CgroupMemory.LimitBelow(root.Path + "/absent", "0::/pods/mine\n") ?? long.MaxValue);
    }

    [Fact]
    public void Default_IsHalfOfIt() => Assert.Equal(SystemMemory.LimitBytes / 2, new GatewayConfig().PluginMemoryBytes);

    [Theory]
    [InlineData("plugin_memory: 512MiB\n", 512L << 20)]
    [InlineData("", null)]
    public void Key_IsRead(string text, long? expected)
    {
        var result = ConfigReader.Parse("listeners: [ { address: 127.0.0.1:0 } ]\n" + text, "x.yaml", "/");
        Assert.Equal(expected ?? GatewayConfig.DefaultPluginMemoryBytes, result.Config!.PluginMemoryBytes);
    }
}
