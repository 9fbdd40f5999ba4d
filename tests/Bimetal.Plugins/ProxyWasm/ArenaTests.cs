// Results that the host places in the plugin's arena (bimetal_arena_rooms), without its allocator; and arenas that lie about where they are.

using Bimetal.Plugins.Tests.Guests;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class ArenaTests
{
    private const string Read = """proxy_get_property "plugin_name" &s; proxy_get_property "request\0path" &s""";

    private static readonly string[] s_answers = ["proxy_get_property=0 script", "proxy_get_property=0 /a/b?q=1"];

    [Theory]
    [InlineData(InstancePolicy.PerRequest, 1)]
    [InlineData(InstancePolicy.Shared, 1)]
    [InlineData(InstancePolicy.PerRequest, 5)]
    [InlineData(InstancePolicy.Shared, 5)]
    public async Task Results_LieInTheArena_AndTheAllocatorIsNotCalled(InstancePolicy instance, int mode)
    {
        const string Pairs = "proxy_get_header_map_pairs 0 &b; proxy_get_header_map_pairs 0 &s";
        await using var expected = await ScriptPlugin.LoadAsync($"request_headers: {Pairs}", instance);

        // Allocator 3 traps.
        await using var plugin = await ScriptPlugin.LoadAsync($"configure: arena {mode}; return 1\nrequest_headers: allocator 3; {Pairs}", instance);
        for (int request = 0; request < 3; request++) Assert.Equal(expected.RunRequestHeaders(), plugin.RunRequestHeaders());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task ArenaThatIsWildOrFull_IsLeftForTheAllocator(int mode)
    {
        await using var plugin = await ScriptPlugin.LoadAsync($"configure: arena {mode}; return 1\nrequest_headers: {Read}");
        Assert.Equal(s_answers, plugin.RunRequestHeaders());
    }
}
