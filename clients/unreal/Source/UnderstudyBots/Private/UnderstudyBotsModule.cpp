// Copyright the Understudy developers. MIT licence.
#include "Modules/ModuleManager.h"

IMPLEMENT_MODULE(FDefaultModuleImpl, UnderstudyBots)
