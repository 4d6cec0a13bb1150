// Copyright the Understudy developers. MIT licence.
using System.IO;
using UnrealBuildTool;

public class UnderstudyBots : ModuleRules
{
	// ThirdParty/Understudy holds understudy.h and the library: libunderstudy.so, or understudy.dll and understudy.lib.
	public UnderstudyBots(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine" });

		string Folder = Path.Combine(PluginDirectory, "ThirdParty", "Understudy");
		PublicSystemIncludePaths.Add(Folder);
		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			PublicAdditionalLibraries.Add(Path.Combine(Folder, "understudy.lib"));
			PublicDelayLoadDLLs.Add("understudy.dll");
			RuntimeDependencies.Add("$(BinaryOutputDir)/understudy.dll", Path.Combine(Folder, "understudy.dll"));
		}
		else if (Target.Platform == UnrealTargetPlatform.Linux)
		{
			string Library = Path.Combine(Folder, "libunderstudy.so");
			PublicAdditionalLibraries.Add(Library);
			PublicRuntimeLibraryPaths.Add("$(BinaryOutputDir)");
			RuntimeDependencies.Add("$(BinaryOutputDir)/libunderstudy.so", Library);
		}
	}
}
